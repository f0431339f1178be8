#include "load/histogram.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace parley::load {
namespace {

using namespace std::chrono_literals;
using Duration = LatencyHistogram::Duration;

TEST(LatencyHistogram, IsExactWhereValuesAreSmall) {
  LatencyHistogram histogram;
  for (int i = 1; i <= 100; ++i) histogram.record(Duration(i));
  EXPECT_EQ(histogram.count(), 100U);
  EXPECT_EQ(histogram.at(0.5), 50ns);
  EXPECT_EQ(histogram.at(0.99), 99ns);
  EXPECT_EQ(histogram.at(1), 100ns);
  EXPECT_EQ(histogram.max(), 100ns);
  EXPECT_EQ(histogram.mean(), 51ns);  // 50.5
}

TEST(LatencyHistogram, OfNothingIsZero) {
  const LatencyHistogram histogram;
  EXPECT_EQ(histogram.at(0.99), 0ns);
  EXPECT_EQ(histogram.max(), 0ns);
  EXPECT_EQ(histogram.mean(), 0ns);
}

TEST(LatencyHistogram, IsWithinAThousandthOfSortedValues) {
  std::minstd_rand random(1);
  std::lognormal_distribution<double> latency(13, 3);
  LatencyHistogram histogram;
  std::vector<std::int64_t> sorted;
  for (int i = 0; i < 50'000; ++i) {
    const std::int64_t value =
        std::min<std::int64_t>(std::llround(latency(random)), Duration(LatencyHistogram::kLargest).count());
    sorted.push_back(value);
    histogram.record(Duration(value));
  }
  std::ranges::sort(sorted);
  for (const auto& [name, share] : kPercentiles) {
    const auto rank = static_cast<std::size_t>(std::ceil(share * 50'000 - 1e-9));
    const auto exact = static_cast<double>(sorted[rank - 1]);
    EXPECT_GE(static_cast<double>(histogram.at(share).count()), exact) << name;
    EXPECT_LE(static_cast<double>(histogram.at(share).count()), exact * 1.001 + 1) << name;
  }
  EXPECT_EQ(histogram.max().count(), sorted.back());
}

TEST(LatencyHistogram, KeepsWhatIsOutOfRangeAtItsEnds) {
  LatencyHistogram histogram;
  histogram.record(-5ns);
  histogram.record(100h);
  EXPECT_EQ(histogram.at(0.5), 0ns);
  EXPECT_EQ(histogram.max(), LatencyHistogram::kLargest);
  EXPECT_EQ(histogram.at(1), LatencyHistogram::kLargest);
}

TEST(LatencyHistogram, MergesAsIfOneHadSeenAll) {
  LatencyHistogram one, two, both;
  for (int i = 0; i < 1000; ++i) {
    const Duration value(i * i * 37);
    (i % 3 == 0 ? one : two).record(value);
    both.record(value);
  }
  one.merge(two);
  EXPECT_EQ(one.count(), both.count());
  EXPECT_EQ(one.mean(), both.mean());
  for (const auto& [name, share] : kPercentiles) EXPECT_EQ(one.at(share), both.at(share)) << name;
  one.clear();
  EXPECT_EQ(one.count(), 0U);
  EXPECT_EQ(one.at(0.5), 0ns);
}

}  // namespace
}  // namespace parley::load
