#include "base/log_limits.h"

namespace parley {

bool StateLog::may_log(std::string_view state, Deadline now) {
  const std::scoped_lock lock(mutex_);
  if (state != logged_) return change(state, now);
  if (now - logged_at_ < kAgain) return false;
  logged_at_ = now;
  return true;
}

bool StateLog::may_log_change(std::string_view state, Deadline now) {
  const std::scoped_lock lock(mutex_);
  return state != logged_ && change(state, now);
}

bool StateLog::change(std::string_view state, Deadline now) {
  if (now - minute_ >= kAgain) {
    minute_ = now;
    changes_ = 0;
  }
  if (changes_ >= kChangesAMinute) return false;
  ++changes_;
  logged_ = state;
  logged_at_ = now;
  return true;
}

bool LogBudget::may_log(Deadline now) noexcept {
  if (now - minute_ >= std::chrono::minutes(1)) {
    minute_ = now;
    logged_ = 0;
  }
  if (logged_ >= kLinesAMinute) return false;
  ++logged_;
  return true;
}

}  // namespace parley
