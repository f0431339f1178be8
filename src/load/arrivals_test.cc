#include "load/arrivals.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

namespace parley::load {
namespace {

using namespace std::chrono_literals;
constexpr Clock::time_point kBegin{1h};
constexpr std::uint64_t kMany = 1'000'000;

TEST(Arrivals, ComeAtTheRateAndAtRandom) {
  Arrivals arrivals(1000, kMany, kBegin, kBegin + 100s, 3);
  std::vector<double> gaps;
  Clock::time_point last = kBegin;
  while (const auto due = arrivals.take(kBegin)) {
    ASSERT_GE(*due, last);
    gaps.push_back(std::chrono::duration<double>(*due - last).count());
    last = *due;
  }
  const auto count = static_cast<double>(gaps.size());
  EXPECT_NEAR(count, 100'000, 5 * std::sqrt(100'000));
  double sum = 0, squares = 0;
  for (const double gap : gaps) sum += gap, squares += gap * gap;
  const double mean = sum / count;
  // An exponential distribution's deviation is its mean; a steady beat's would be 0.
  EXPECT_NEAR(std::sqrt(squares / count - mean * mean), mean, 0.05 * mean);
  EXPECT_LT(last, kBegin + 100s);
}

TEST(Arrivals, DoNotWaitForAServerThatStalls) {
  Arrivals arrivals(10, kMany, kBegin, kBegin + 10s, 3);
  int count = 0;
  while (const auto due = arrivals.take(kBegin + 1h)) {
    EXPECT_LT(*due, kBegin + 10s);
    ++count;
  }
  EXPECT_NEAR(count, 100, 50);
}

TEST(Arrivals, WithoutARateAreDueWhenAsked) {
  Arrivals arrivals(0, 3, kBegin, kBegin + 10s, 3);
  EXPECT_EQ(arrivals.take(kBegin + 1s), kBegin + 1s);
  EXPECT_EQ(arrivals.take(kBegin + 2s), kBegin + 2s);
  EXPECT_EQ(arrivals.take(kBegin + 10s), std::nullopt);
  EXPECT_EQ(arrivals.take(kBegin + 3s), kBegin + 3s);
  EXPECT_EQ(arrivals.take(kBegin + 4s), std::nullopt);
}

TEST(Arrivals, EndWhenStoppedAlsoWhereManyAreOverdue) {
  Arrivals arrivals(10, kMany, kBegin, kBegin + 10s, 3);
  EXPECT_LT(arrivals.take(kBegin + 9s), kBegin + 9s);
  arrivals.stop();
  EXPECT_EQ(arrivals.take(kBegin + 9s), std::nullopt);
}

}  // namespace
}  // namespace parley::load
