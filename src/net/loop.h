// Event loops: one thread and one io_context each, nothing shared between them.
#pragma once

#include <chrono>
#include <cstddef>
#include <future>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>

#include "base/clock.h"
#include "base/task.h"
#include "net/channel.h"
#include "net/deadlines.h"

namespace parley::net {

/// One event loop. Everything on it runs on its own thread; only post() to its executor comes from others.
class Loop {
 public:
  /// A loop that no pool runs: see finish().
  Loop() : Loop(0, machines_clock()) {}
  Loop(std::size_t index, const SteadyClock& clock)
      : index_(index), clock_(clock), deadlines_(io_, clock), channels_(io_) {}
  /// Ends the coroutines that are left where they wait.
  ~Loop() { io_.end(); }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// The loop whose thread calls. Must be one.
  [[nodiscard]] static Loop& current() noexcept;

  /// 0 to LoopPool::size() − 1: which of the per-loop cells is this loop's.
  [[nodiscard]] std::size_t index() const noexcept { return index_; }
  [[nodiscard]] boost::asio::io_context& io() noexcept { return io_; }
  [[nodiscard]] Executor executor() noexcept { return io_.get_executor(); }
  [[nodiscard]] Deadlines& deadlines() noexcept { return deadlines_; }
  /// The time by which its deadlines are kept. Any thread.
  [[nodiscard]] Deadline now() const noexcept { return clock_.now(); }
  [[nodiscard]] bool passed(Deadline deadline) const noexcept { return deadline <= now(); }
  [[nodiscard]] Channels& channels() noexcept { return channels_; }

  /// Runs a loop that no pool runs until `work` has ended, on the thread that calls.
  template <class T>
  T finish(Async<T> work) {
    auto done = boost::asio::co_spawn(executor(), std::move(work), boost::asio::use_future);
    io_.restart();
    while (done.wait_for(std::chrono::seconds(0)) != std::future_status::ready) io_.run_one();
    return done.get();
  }

 private:
  friend class LoopPool;
  void run();

  static const SteadyClock& machines_clock() {
    static const SteadyClock clock;
    return clock;
  }

  class Context final : public boost::asio::io_context {
   public:
    Context() : boost::asio::io_context(1) {}
    /// Destroys what waits, which may use the loop's deadlines and channels, before those go.
    void end() { shutdown(); }
  };

  std::size_t index_;
  const SteadyClock& clock_;
  Context io_;
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

  /// The time of all its loops. Any thread.
  [[nodiscard]] Deadline now() const noexcept { return clock_.now(); }
  /// For tests: turns that time forward, and runs what expires by it. Blocks; not from a loop.
  void turn(std::chrono::steady_clock::duration time);

  /// How many processors this process may run on: the number of loops that suits it.
  [[nodiscard]] static std::size_t usable_processors();

 private:
  SteadyClock clock_;
  std::vector<std::unique_ptr<Loop>> loops_;
  std::vector<boost::asio::executor_work_guard<Executor>> work_;
  std::vector<std::thread> threads_;
};

/// Runs `function` on `loop` and returns what it returns. Blocks; not from a loop.
template <class Function>
auto run_on(Loop& loop, Function function) {
  return boost::asio::post(loop.executor(), boost::asio::use_future(std::move(function))).get();
}

/// As above, with a coroutine.
template <class T>
T run_on(Loop& loop, Async<T> task) {
  return boost::asio::co_spawn(loop.executor(), std::move(task), boost::asio::use_future).get();
}

/// Ends what runs on `loop`: calls `stop` there, then waits for `ended`. Blocks; not from a loop.
template <class Stop>
void stop_on(Loop& loop, Stop stop, Async<> ended) {
  run_on(loop, std::move(stop));
  run_on(loop, std::move(ended));
}

}  // namespace parley::net
