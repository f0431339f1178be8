#include "net/backoff.h"

#include <gtest/gtest.h>

namespace parley::net {
namespace {

TEST(Backoff, DoublesUpToItsBoundAndStartsAnew) {
  Backoff backoff;
  for (auto longest = Backoff::kFirst; longest < 4 * Backoff::kLongest; longest *= 2) {
    const auto bound = std::min(longest, Backoff::kLongest);
    const auto wait = backoff.next();
    EXPECT_LE(wait, bound);
    EXPECT_GE(wait, bound / 2);
  }
  backoff.reset();
  EXPECT_LE(backoff.next(), Backoff::kFirst);
}

}  // namespace
}  // namespace parley::net
