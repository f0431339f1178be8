// How often each latency was seen, to three digits, in little memory: HdrHistogram's log-linear buckets.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace parley::load {

/// Counts durations from 0 to kLargest; a longer one counts as kLargest. Two that share a bucket differ by less than
/// a thousandth. One thread.
class LatencyHistogram {
 public:
  using Duration = std::chrono::nanoseconds;
  static constexpr Duration kLargest = std::chrono::hours(1);

  LatencyHistogram();

  /// A negative one counts as 0.
  void record(Duration latency);
  void merge(const LatencyHistogram& other);
  void clear();

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  /// 0 where nothing was recorded.
  [[nodiscard]] Duration max() const noexcept { return max_; }
  [[nodiscard]] Duration mean() const noexcept;

  /// The least latency that at least `share` (0 to 1) of all are not above, rounded up to its bucket's end but never
  /// above max(). 0 where nothing was recorded.
  [[nodiscard]] Duration at(double share) const noexcept;

 private:
  [[nodiscard]] static std::size_t bucket_of(std::uint64_t value) noexcept;
  /// The largest value of the bucket.
  [[nodiscard]] static std::uint64_t end_of(std::size_t bucket) noexcept;

  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0;
  double sum_ = 0;  // nanoseconds
  Duration max_{0};
};

/// The shares that reports show, with their names.
inline constexpr std::array<std::pair<const char*, double>, 6> kPercentiles{
    {{"p50", 0.5}, {"p90", 0.9}, {"p95", 0.95}, {"p99", 0.99}, {"p99.9", 0.999}, {"p99.99", 0.9999}}};

}  // namespace parley::load
