#include "store/embedded/busy_chats.h"

#include <string>

#include <gtest/gtest.h>

namespace parley::store {
namespace {

bool has_place(const BusyChats& chats, std::string_view chat, std::int64_t time) {
  return chats.InDomain(to_slice(record_key(chat, time)));
}

TEST(BusyChatsTest, ARecordGoesNextToTheOthersOfItsChat) {
  const BusyChats chats;
  const KeyBuffer one = record_key("a:b", 5'000'000);
  const KeyBuffer other = record_key("a:b", 6'000'000);
  EXPECT_TRUE(chats.InDomain(to_slice(one)));
  EXPECT_EQ(chats.Transform(to_slice(one)), chats.Transform(to_slice(other)));
  EXPECT_NE(chats.Transform(to_slice(one)), chats.Transform(to_slice(record_key("a:c", 5'000'000))));
  EXPECT_TRUE(chats.InDomain(to_slice(kLastTimeKey)));
  EXPECT_FALSE(chats.InDomain(to_slice(kFormatKey)));
}

TEST(BusyChatsTest, AChatThatIsSearchedForHasNoPlaceUntilThatIsForgotten) {
  BusyChats chats;
  chats.search_for("a:b");
  EXPECT_FALSE(has_place(chats, "a:b", 0));
  EXPECT_FALSE(has_place(chats, "a:b", 5'000'000));
  int others = 0;
  for (int i = 0; i < 100; ++i) others += has_place(chats, "a:" + std::to_string(i), 5'000'000) ? 1 : 0;
  EXPECT_GE(others, 95);  // those in the same place of the set are searched for, too
  chats.forget();
  EXPECT_TRUE(has_place(chats, "a:b", 5'000'000));
}

}  // namespace
}  // namespace parley::store
