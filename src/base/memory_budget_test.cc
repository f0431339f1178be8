#include "base/memory_budget.h"

#include <utility>

#include <gtest/gtest.h>

namespace parley {
namespace {

TEST(MemoryBudget, IsTakenToTheLastByteAndGivenBack) {
  MemoryBudget budget(100);
  {
    MemoryReservation reservation(budget);
    EXPECT_TRUE(reservation.grow(60));
    EXPECT_FALSE(reservation.grow(41));
    EXPECT_TRUE(reservation.grow(40));
    MemoryReservation other(budget);
    EXPECT_FALSE(other.grow(1));
    EXPECT_EQ(budget.used(), 100U);
  }
  EXPECT_EQ(budget.used(), 0U);
  MemoryReservation reservation(budget);
  EXPECT_FALSE(reservation.grow(static_cast<std::size_t>(-1)));
  EXPECT_EQ(budget.used(), 0U);
}

TEST(MemoryBudget, MovesAReservationAndGivesBackWhatItReplaces) {
  MemoryBudget budget(100);
  MemoryReservation first(budget);
  MemoryReservation second(budget);
  ASSERT_TRUE(first.grow(10));
  ASSERT_TRUE(second.grow(30));
  first = std::move(second);
  EXPECT_EQ(budget.used(), 30U);
  second.release();
  EXPECT_EQ(budget.used(), 30U);
  first.release();
  EXPECT_EQ(budget.used(), 0U);
}

}  // namespace
}  // namespace parley
