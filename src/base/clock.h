// Two notions of time: the wall clock that stamps messages, and the steady one that deadlines are measured by.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>

namespace parley {

/// Microseconds since 1970, as the wall clock has it. May jump either way. Called from any thread.
using WallClock = std::function<std::int64_t()>;

/// The machine's wall clock.
[[nodiscard]] inline std::int64_t wall_clock_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

/// When to give up on something. The clock behind it never jumps.
using Deadline = std::chrono::steady_clock::time_point;

inline constexpr Deadline kNoDeadline = Deadline::max();

/// The clock behind deadlines. It is the machine's steady clock until a test turns it forward. Any thread.
class SteadyClock {
 public:
  [[nodiscard]] Deadline now() const noexcept { return std::chrono::steady_clock::now() + turned(); }

  /// By how much it is ahead of the machine's.
  [[nodiscard]] std::chrono::steady_clock::duration turned() const noexcept {
    return std::chrono::steady_clock::duration(turned_.load(std::memory_order_relaxed));
  }
  void turn(std::chrono::steady_clock::duration time) noexcept { turned_.fetch_add(time.count()); }

 private:
  std::atomic<std::chrono::steady_clock::rep> turned_{0};
};

}  // namespace parley
