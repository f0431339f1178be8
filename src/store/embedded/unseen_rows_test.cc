#include "store/embedded/unseen_rows.h"

#include <string>

#include <gtest/gtest.h>

namespace parley::store {
namespace {

TEST(UnseenRowsTest, TheLastWriteOfARowCounts) {
  UnseenRows rows(10'000);
  EXPECT_EQ(rows.find("r"), nullptr);
  rows.put("r", "1", 1);
  rows.put("r", "2", 1);
  ASSERT_NE(rows.find("r"), nullptr);
  EXPECT_EQ(*rows.find("r"), "2");
  rows.put("r", std::nullopt, 2);
  ASSERT_NE(rows.find("r"), nullptr);
  EXPECT_EQ(*rows.find("r"), std::nullopt);
  EXPECT_EQ(rows.complete_since(), 0U);
}

TEST(UnseenRowsTest, SaysSinceWhenItMissesNothing) {
  UnseenRows rows(10'000);
  std::uint64_t batch = 0;
  while (rows.complete_since() == 0) {
    ++batch;
    rows.put(std::to_string(batch), std::string(100, 'x'), batch);
    ASSERT_LT(batch, 1000U);
  }
  EXPECT_EQ(rows.complete_since(), 1U);
  EXPECT_EQ(rows.find("1"), nullptr);
  EXPECT_NE(rows.find("2"), nullptr);
  const std::uint64_t large = ++batch;
  rows.put("large", std::string(100'000, 'x'), large);  // more than there is room for
  EXPECT_EQ(rows.complete_since(), large - 1);
}

TEST(UnseenRowsTest, TheBatchThatIsBeingMadeIsKeptWhateverItsSize) {
  UnseenRows rows(10'000);
  const std::string large(100'000, 'x');
  for (std::uint64_t batch = 1; batch <= 10; ++batch) {
    for (int i = 0; i < 5; ++i) rows.put(std::to_string(batch) + "/" + std::to_string(i), large, batch);
    EXPECT_EQ(rows.complete_since(), batch - 1);
    for (int i = 0; i < 5; ++i) {
      EXPECT_NE(rows.find(std::to_string(batch) + "/" + std::to_string(i)), nullptr);
    }
  }
  EXPECT_EQ(rows.find("9/4"), nullptr);
}

TEST(UnseenRowsTest, ARowThatIsWrittenAgainAndAgainDrivesOutOnlyWhatIsOlder) {
  UnseenRows rows(10'000);
  rows.put("other", "v", 1);
  for (std::uint64_t batch = 2; batch < 1000; ++batch) rows.put("r", "v", batch);
  EXPECT_NE(rows.find("r"), nullptr);
  EXPECT_EQ(rows.complete_since(), 1U);
}

}  // namespace
}  // namespace parley::store
