// One loop's part of a listener: its connections, and what they share.
#pragma once

#include <cstddef>
#include <memory>
#include <unordered_set>
#include <utility>

#include "base/log_limits.h"
#include "base/request_ids.h"
#include "base/task_group.h"
#include "net/loop.h"
#include "net/server_metrics.h"

namespace parley::net {

/// What the workers of all listeners have in common. `State` is what all connections of the listener share. A `Session`
/// is one connection: run() serves it until it ends, drain() ends it if it can, cut() closes it, and its destructor
/// calls forget().
///
/// Everything here runs on its loop's thread, but for the constructor and destructor. Must outlive its connections: see
/// ended().
template <class Session, class State>
class Worker {
 public:
  static constexpr std::size_t kScratch = std::size_t{64} << 10;

  Worker(State& state, Loop& loop, LoopMetrics& metrics)
      : state_(state),
        loop_(loop),
        metrics_(metrics),
        group_(loop.executor()),
        scratch_(std::make_unique_for_overwrite<char[]>(kScratch)) {}
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Ends each connection as soon as that loses nothing.
  void drain() {
    for (Session* session : sessions_) session->drain();
  }
  /// Closes everything. The connection of a call that is still worked on ends with that work, unanswered.
  void cut() {
    for (Session* session : sessions_) session->cut();
  }
  /// Suspends until no connection is left. One waiter at a time.
  [[nodiscard]] Async<> ended() { return group_.wait(); }

  // For its sessions.
  void forget(Session& session) noexcept { sessions_.erase(&session); }
  [[nodiscard]] State& state() noexcept { return state_; }
  [[nodiscard]] Loop& loop() noexcept { return loop_; }
  [[nodiscard]] LoopMetrics& metrics() noexcept { return metrics_; }
  /// Bytes are read into here first. They hold until the session suspends.
  [[nodiscard]] char* scratch() noexcept { return scratch_.get(); }
  [[nodiscard]] RequestIds& request_ids() noexcept { return request_ids_; }
  [[nodiscard]] LogBudget& log_budget() noexcept { return log_budget_; }

 protected:
  ~Worker() = default;

  void serve(std::unique_ptr<Session> session) {
    sessions_.insert(session.get());
    group_.spawn(Session::run(std::move(session)));
  }

 private:
  State& state_;
  Loop& loop_;
  LoopMetrics& metrics_;
  TaskGroup group_;
  std::unordered_set<Session*> sessions_;
  std::unique_ptr<char[]> scratch_;
  RequestIds request_ids_;
  LogBudget log_budget_;
};

}  // namespace parley::net
