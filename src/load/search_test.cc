#include "load/search.h"

#include <gtest/gtest.h>

namespace parley::load {
namespace {

double search(double first, double capacity) {
  RateSearch search(first);
  for (int trials = 0; trials < 50; ++trials) {
    const auto rate = search.next();
    if (!rate) return search.best().value_or(0);
    search.tell(*rate <= capacity);
  }
  ADD_FAILURE() << "no end";
  return 0;
}

TEST(RateSearch, FindsTheRateFromBelowAndAbove) {
  for (const double capacity : {7.0, 999.0, 12'345.0, 80'000.0}) {
    for (const double first : {1.0, 1000.0, 500'000.0}) {
      const double found = search(first, capacity);
      EXPECT_LE(found, capacity);
      EXPECT_GE(found * RateSearch::kNear + 1, capacity) << first;
    }
  }
}

TEST(RateSearch, EndsWhereNothingHolds) { EXPECT_EQ(search(1000, 0), 0); }

TEST(RateSearch, EndsWhereEverythingHolds) { EXPECT_GT(search(1000, 1e12), RateSearch::kMost / 4); }

}  // namespace
}  // namespace parley::load
