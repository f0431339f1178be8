#include "load/zipf.h"

#include <cmath>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley::load {
namespace {

TEST(Zipf, GivesEachChatItsShare) {
  constexpr std::size_t kChats = 50;
  constexpr int kDraws = 200'000;
  ChatPicker picker(kChats, std::make_shared<const ZipfTable>(kChats, 1.0), 0, 1);
  std::minstd_rand random(7);
  std::vector<int> counts(kChats);
  for (int i = 0; i < kDraws; ++i) ++counts.at(picker.next(random));
  double weights = 0;
  for (std::size_t n = 1; n <= kChats; ++n) weights += 1.0 / static_cast<double>(n);
  for (const std::size_t n : {1, 2, 5, 20, 50}) {
    const double expected = kDraws / static_cast<double>(n) / weights;
    EXPECT_NEAR(counts[n - 1], expected, 5 * std::sqrt(expected)) << n;
  }
}

TEST(Zipf, ReachesBothEnds) {
  const ZipfTable table(3, 2);
  EXPECT_EQ(table.at(0), 0U);
  EXPECT_EQ(table.at(0.9999999), 2U);
  EXPECT_EQ(table.at(1), 2U);
}

TEST(ChatPicker, WithoutZipfTakesTurnsThatSeveralShare) {
  std::minstd_rand random(1);
  ChatPicker even(5, nullptr, 0, 2), odd(5, nullptr, 1, 2);
  std::vector<std::size_t> seen;
  for (int i = 0; i < 5; ++i) {
    seen.push_back(even.next(random));
    seen.push_back(odd.next(random));
  }
  EXPECT_THAT(seen, testing::ElementsAre(0, 1, 2, 3, 4, 0, 1, 2, 3, 4));
}

}  // namespace
}  // namespace parley::load
