// Event loops: one thread and one io_context each, nothing shared between them.
#pragma once

#include <cstddef>
#include <memory>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "base/task.h"
#include "net/channel.h"
#include "net/deadlines.h"

namespace parley::net {

/// One event loop. Everything on it runs on its own thread; only post() to its executor comes from others.
class Loop {
 public:
  explicit Loop(std::size_t index) : index_(index), io_(1), deadlines_(io_), channels_(io_) {}

  /// The loop whose thread calls. Must be one.
  [[nodiscard]] static Loop& current() noexcept;

  /// 0 to LoopPool::size() − 1: which of the per-loop cells is this loop's.
  [[nodiscard]] std::size_t index() const noexcept { return index_; }
  [[nodiscard]] boost::asio::io_context& io() noexcept { return io_; }
  [[nodiscard]] Executor executor() noexcept { return io_.get_executor(); }
  [[nodiscard]] Deadlines& deadlines() noexcept { return deadlines_; }
  [[nodiscard]] Channels& channels() noexcept { return channels_; }

 private:
  friend class LoopPool;
  void run();

  std::size_t index_;
  boost::asio::io_context io_;
  Deadlines deadlines_;
  Channels channels_;
};

/// The loops of a process and their threads.
class LoopPool {
 public:
  /// Starts `count` loops, at least one.
  explicit LoopPool(std::size_t count);
  /// Stops the loops, whatever they still have to do, and joins their threads. Not from a loop.
  ~LoopPool();
  LoopPool(const LoopPool&) = delete;
  LoopPool& operator=(const LoopPool&) = delete;

  [[nodiscard]] std::size_t size() const noexcept { return loops_.size(); }
  [[nodiscard]] Loop& operator[](std::size_t index) noexcept { return *loops_[index]; }

  /// How many processors this process may run on: the number of loops that suits it.
  [[nodiscard]] static std::size_t usable_processors();

 private:
  std::vector<std::unique_ptr<Loop>> loops_;
  std::vector<boost::asio::executor_work_guard<Executor>> work_;
  std::vector<std::thread> threads_;
};

}  // namespace parley::net
