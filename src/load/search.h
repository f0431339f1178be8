// The search for the highest rate that a server holds.
#pragma once

#include <optional>

namespace parley::load {

/// Which rate to try next: up in doubles until one does not hold, then between the two, until they are near.
class RateSearch {
 public:
  static constexpr double kNear = 1.05;  ///< how much the rate that does not hold may be above the one that does
  static constexpr double kLeast = 1;
  static constexpr double kMost = 10'000'000;

  explicit RateSearch(double first) : next_(first) {}

  /// The next rate; nothing when the search is over.
  [[nodiscard]] std::optional<double> next() const noexcept { return over_ ? std::nullopt : std::optional(next_); }
  /// Whether the server held next().
  void tell(bool held);
  /// The highest rate that was held.
  [[nodiscard]] std::optional<double> best() const noexcept { return low_; }

 private:
  double next_;
  std::optional<double> low_;
  std::optional<double> high_;
  bool over_ = false;
};

}  // namespace parley::load
