// A few threads for reads that must go to the disk, so that no loop waits for one.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/task.h"

namespace parley::store {

class ReadPool {
 public:
  /// At most `max_queue` reads wait.
  ReadPool(std::size_t threads, std::size_t max_queue);
  /// Lets the running reads end and drops the waiting ones, whose coroutines are never resumed: nobody may wait by
  /// then.
  ~ReadPool();
  ReadPool(const ReadPool&) = delete;
  ReadPool& operator=(const ReadPool&) = delete;

  /// Runs `read` on a thread of the pool and resumes on the caller's loop when it has returned. kOverloaded, with
  /// `read` never run, where too many wait or the deadline passes first. `read` must not throw.
  [[nodiscard]] Task<void> run(std::function<void()> read, Deadline deadline);

  [[nodiscard]] std::int64_t depth() const noexcept { return depth_.value(); }

 private:
  struct Job;
  [[nodiscard]] bool submit(std::shared_ptr<Job> job);
  void work();

  const std::size_t max_queue_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::shared_ptr<Job>> queue_;
  bool stopping_ = false;
  Gauge depth_;
  std::vector<std::thread> threads_;
};

}  // namespace parley::store
