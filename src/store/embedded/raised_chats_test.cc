#include "store/embedded/raised_chats.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace parley::store {
namespace {

TEST(RaisedChatsTest, RemembersWhatAChatsRowsAreNow) {
  RaisedChats chats(std::size_t{1} << 20);
  const RecordHash some = hash_audience(std::vector<std::string>{"c", "d"});
  EXPECT_EQ(chats.of("a:b").time, 0);
  chats.of("a:b").time = 7;
  EXPECT_EQ(chats.of("a:b").time, 7);
  EXPECT_EQ(chats.of("a:b").audience, RecordHash{});
  EXPECT_EQ(chats.of("a:c").time, 0);
  chats.of("a:b") = {.audience = some, .time = 9};
  EXPECT_EQ(chats.of("a:b").time, 9);
  EXPECT_EQ(chats.of("a:b").audience, some);
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
  for (int i = 1; i <= 10'000; ++i) chats.of("a:" + std::to_string(i)).time = i;
  EXPECT_EQ(chats.of("a:10000").time, 10'000);
  for (int i = 10'000; i > 0; --i) known += chats.of("a:" + std::to_string(i)).time == i ? 1U : 0U;
  EXPECT_GT(known, 200U);
  EXPECT_LT(known, 1000U);
}

}  // namespace
}  // namespace parley::store
