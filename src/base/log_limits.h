// What keeps a condition that lasts, or comes and goes, from filling the log.
#pragma once

#include <chrono>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"

namespace parley {

/// Decides when to log the state of one thing, which somebody looks at again and again. A state is logged when it
/// changes, and once a minute while it lasts. A state that comes and goes is logged ten times a minute at most. Any
/// thread.
class StateLog {
 public:
  static constexpr std::chrono::minutes kAgain{1};
  static constexpr int kChangesAMinute = 10;

  /// Starts in the state `first`, which needs no line before it changes.
  explicit StateLog(std::string first = {}) : logged_(std::move(first)) {}

  /// Whether to log `state`, which is the thing's at `now`.
  [[nodiscard]] bool may_log(std::string_view state, Deadline now = std::chrono::steady_clock::now());

  /// As may_log(), for the state that needs no line while it lasts.
  [[nodiscard]] bool may_log_change(std::string_view state, Deadline now = std::chrono::steady_clock::now());

 private:
  [[nodiscard]] bool change(std::string_view state, Deadline now);

  std::mutex mutex_;
  std::string logged_;
  Deadline logged_at_{};
  Deadline minute_{};  // when the minute of changes_ began
  int changes_ = 0;
};

/// Failures come in floods, and go on until somebody mends what they are about: lets ten lines through in each minute.
/// One thread.
class LogBudget {
 public:
  static constexpr int kLinesAMinute = 10;

  /// Whether one more line may be logged in the minute of `now`.
  [[nodiscard]] bool may_log(Deadline now) noexcept;

 private:
  Deadline minute_{};  // when it began
  int logged_ = 0;
};

}  // namespace parley
