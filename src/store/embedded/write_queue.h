// Writes on their way from the loops to the writer.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "base/metrics.h"
#include "store/embedded/write_request.h"

namespace parley::store {

/// Bounded. What a loop pushes in one turn is handed over at the end of it: with one lock, one wake-up of the writer,
/// and so with fewer, larger batches.
class WriteQueue : public std::enable_shared_from_this<WriteQueue> {
 public:
  using Requests = std::vector<WriteRequestPtr>;

  /// At most `max_waiting` requests at once; `depth` shows how many. For loops of index 0 to `loops` − 1.
  WriteQueue(std::size_t max_waiting, std::size_t loops, Gauge& depth)
      : max_waiting_(max_waiting), depth_(depth), gathered_(loops) {}
  WriteQueue(const WriteQueue&) = delete;
  WriteQueue& operator=(const WriteQueue&) = delete;

  /// On the request's loop. False when there are too many: it was not taken.
  [[nodiscard]] bool push(WriteRequestPtr request);

  /// The writer: swaps what waits into `out`, which is empty; waits until there is something. False when the queue is
  /// closed and empty.
  [[nodiscard]] bool take(Requests& out);
  /// The writer: `count` of the requests that it took wait no longer.
  void begun(std::size_t count);

  /// Any thread. What is pushed from now on is never taken.
  void close();

 private:
  void hand_over(std::size_t loop);

  const std::size_t max_waiting_;
  Gauge& depth_;
  std::atomic<std::size_t> waiting_{0};
  std::vector<Requests> gathered_;  // by loop, each that loop's alone

  std::mutex mutex_;
  std::condition_variable wake_;
  Requests queue_;       // guarded by mutex_
  bool closed_ = false;  // guarded by mutex_
};

}  // namespace parley::store
