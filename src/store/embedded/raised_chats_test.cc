#include "store/embedded/raised_chats.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace parley::store {
namespace {

TEST(RaisedChatsTest, RemembersAChatForJustThisAudience) {
  RaisedChats chats(std::size_t{1} << 20);
  const RecordHash none = hash_audience({});
  const RecordHash some = hash_audience(std::vector<std::string>{"c", "d"});
  EXPECT_EQ(chats.least("a:b", none), std::nullopt);
  chats.remember("a:b", none, 7);
  EXPECT_EQ(chats.least("a:b", none), 7);
  EXPECT_EQ(chats.least("a:b", some), std::nullopt);
  EXPECT_EQ(chats.least("a:c", none), std::nullopt);
  chats.remember("a:b", none, 5);  // somebody who looked earlier
  EXPECT_EQ(chats.least("a:b", none), 7);
  chats.remember("a:b", some, 6);
  EXPECT_EQ(chats.least("a:b", some), 6);
  EXPECT_EQ(chats.least("a:b", none), std::nullopt);
}

TEST(RaisedChatsTest, AudiencesAreToldApart) {
  const auto hash = [](const std::vector<std::string>& names) { return hash_audience(names); };
  EXPECT_EQ(hash({}), RecordHash{});
  EXPECT_NE(hash({"ab"}), hash({"a", "b"}));
  EXPECT_NE(hash({"a"}), hash({"a", ""}));
}

TEST(RaisedChatsTest, ForgetsWhatIsOldestWithinItsBound) {
  RaisedChats chats(std::size_t{64} << 10);
  std::size_t known = 0;
  for (int i = 0; i < 10'000; ++i) chats.remember("a:" + std::to_string(i), {}, i);
  for (int i = 0; i < 10'000; ++i) known += chats.least("a:" + std::to_string(i), {}) ? 1U : 0U;
  EXPECT_GT(known, 200U);
  EXPECT_LT(known, 1000U);
  EXPECT_EQ(chats.least("a:9999", {}), 9999);
}

}  // namespace
}  // namespace parley::store
