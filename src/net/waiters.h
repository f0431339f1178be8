// Waiting on a loop until somebody wakes the waiter, or its time is over.
#pragma once

#include <cstddef>
#include <list>

#include "base/clock.h"
#include "base/task.h"
#include "base/wakeup.h"
#include "net/deadlines.h"
#include "net/loop.h"

namespace parley::net {

/// One waiter. A wake that comes first is kept, and the wait may also end for no reason, so look again what is the
/// case. Loop's thread only.
class TimedWakeup {
 public:
  TimedWakeup() : expiry_([this] { wakeup_.wake(); }) {}

  /// For co_await: suspends until wake() or `deadline`. `loop` is the caller's.
  [[nodiscard]] Wakeup::Waiting wait(Loop& loop, Deadline deadline) {
    loop.deadlines().arm(expiry_, deadline);
    return wakeup_.wait();
  }
  /// Resumes the waiter before it returns, so the caller must not rely on `*this` afterwards.
  void wake() {
    expiry_.disarm();
    wakeup_.wake();
  }

 private:
  Wakeup wakeup_;
  DeadlineEntry expiry_;
};

/// Any number of waiters for one change. Loop's thread only.
class Waiters {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return waiters_.size(); }

  /// Suspends until wake_all() or `deadline`. `loop` is the caller's.
  [[nodiscard]] Async<> wait(Loop& loop, Deadline deadline) {
    const auto waiter = waiters_.emplace(waiters_.end());
    co_await waiter->wait(loop, deadline);
    waiters_.erase(waiter);
  }
  /// Wakes those who wait now. Each takes itself off the list, and comes back to its end if it waits again.
  void wake_all() {
    for (std::size_t left = waiters_.size(); left > 0; --left) waiters_.front().wake();
  }

 private:
  std::list<TimedWakeup> waiters_;
};

}  // namespace parley::net
