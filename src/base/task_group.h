// An owner for background coroutines: nothing runs that nobody waits for.
#pragma once

#include <cstddef>

#include "base/task.h"
#include "base/wakeup.h"

namespace parley {

/// The coroutines of one loop that somebody waits for before what they use goes away. All calls on that loop's thread.
class TaskGroup {
 public:
  explicit TaskGroup(Executor executor) : executor_(std::move(executor)) {}
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  /// Starts `task` on the loop. An exception that escapes it is a bug: it is logged, and the process ends.
  void spawn(Async<> task);

  /// Suspends until every spawned coroutine has ended. One waiter at a time.
  [[nodiscard]] Async<> wait();

  [[nodiscard]] std::size_t size() const noexcept { return running_; }

 private:
  Executor executor_;
  std::size_t running_ = 0;
  Wakeup empty_;
  bool waiting_ = false;
};

}  // namespace parley
