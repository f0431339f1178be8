#include "load/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace parley::load {
namespace {

// Values below 2^kLinearBits have a bucket each. Above, each power of two is cut into half as many equal buckets.
constexpr std::size_t kLinearBits = 11;
constexpr std::size_t kLinear = std::size_t{1} << kLinearBits;
constexpr std::size_t kHalf = kLinear / 2;

}  // namespace

LatencyHistogram::LatencyHistogram() : counts_(bucket_of(static_cast<std::uint64_t>(kLargest.count())) + 1) {}

std::size_t LatencyHistogram::bucket_of(std::uint64_t value) noexcept {
  if (value < kLinear) return value;
  const std::size_t shift = static_cast<std::size_t>(std::bit_width(value)) - kLinearBits;
  return shift * kHalf + (value >> shift);
}

std::uint64_t LatencyHistogram::end_of(std::size_t bucket) noexcept {
  if (bucket < kLinear) return bucket;
  const std::size_t shift = bucket / kHalf - 1;
  const std::uint64_t top = bucket - shift * kHalf;
  return ((top + 1) << shift) - 1;
}

void LatencyHistogram::record(Duration latency) {
  const Duration value = std::clamp(latency, Duration(0), kLargest);
  ++counts_[bucket_of(static_cast<std::uint64_t>(value.count()))];
  ++count_;
  sum_ += static_cast<double>(value.count());
  max_ = std::max(max_, value);
}

void LatencyHistogram::merge(const LatencyHistogram& other) {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  max_ = std::max(max_, other.max_);
}

void LatencyHistogram::clear() {
  std::ranges::fill(counts_, 0);
  count_ = 0;
  sum_ = 0;
  max_ = Duration(0);
}

LatencyHistogram::Duration LatencyHistogram::mean() const noexcept {
  return count_ == 0 ? Duration(0) : Duration(std::llround(sum_ / static_cast<double>(count_)));
}

LatencyHistogram::Duration LatencyHistogram::at(double share) const noexcept {
  if (count_ == 0) return Duration(0);
  const auto rank =
      std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_) - 1e-9)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= rank) return std::min(max_, Duration(static_cast<std::int64_t>(end_of(i))));
  }
  return max_;
}

}  // namespace parley::load
