// How long to wait before trying again.
#pragma once

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

namespace parley::net {

/// Doubles from 20 ms to 1 s; each wait is a random part of it, at least half, so that clients do not come all at once.
class Backoff {
 public:
  static constexpr std::chrono::milliseconds kFirst{20};
  static constexpr std::chrono::milliseconds kLongest{1'000};

  /// The wait before the next attempt.
  [[nodiscard]] std::chrono::milliseconds next() {
    const auto longest = std::exchange(next_, std::min(2 * next_, kLongest));
    return std::chrono::milliseconds(
        std::uniform_int_distribution<std::chrono::milliseconds::rep>(longest.count() / 2, longest.count())(random_));
  }

  /// After a success.
  void reset() noexcept { next_ = kFirst; }

 private:
  std::chrono::milliseconds next_ = kFirst;
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace parley::net
