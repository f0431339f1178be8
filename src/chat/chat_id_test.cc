#include "chat/chat_id.h"

#include <gtest/gtest.h>

namespace parley {
namespace {

std::string canonical(std::string_view name) {
  const auto chat = ChatId::parse(name);
  return chat ? chat->name() : "invalid: " + chat.error().detail;
}

TEST(ChatId, SortsItsMembersByBytes) {
  EXPECT_EQ(canonical("a:b"), "a:b");
  EXPECT_EQ(canonical("b:a"), "a:b");
  EXPECT_EQ(canonical("a:B"), "B:a");
  EXPECT_EQ(canonical("é:z"), "z:é");
  EXPECT_EQ(canonical("ab:a"), "a:ab");
}

TEST(ChatId, MayHaveOneMemberTwice) { EXPECT_EQ(canonical("a:a"), "a:a"); }

TEST(ChatId, KnowsItsMembers) {
  const auto chat = ChatId::parse("zoe:al");
  ASSERT_TRUE(chat);
  EXPECT_EQ(chat->first(), "al");
  EXPECT_EQ(chat->second(), "zoe");
  EXPECT_TRUE(chat->has_member("al"));
  EXPECT_TRUE(chat->has_member("zoe"));
  EXPECT_FALSE(chat->has_member("al:zoe"));
  EXPECT_FALSE(chat->has_member(""));
}

TEST(ChatId, TakesWhatAMemberMayHold) {
  for (const std::string& member : {std::string("}x"), std::string("{a}"), std::string("a b"), std::string("日本"),
                                    std::string(64, 'x'), std::string("\u200B")}) {
    EXPECT_TRUE(ChatId::parse(member + ":b")) << member;
    EXPECT_TRUE(ChatId::parse("b:" + member)) << member;
  }
}

TEST(ChatId, RefusesWhatAMemberMayNotHold) {
  for (const std::string& member :
       {std::string(), std::string(65, 'x'), std::string(" a"), std::string("a "), std::string("\u00A0a"),
        std::string("a\u3000"), std::string("a\nb"), std::string("a\0b", 3), std::string("a\x7F"),
        std::string("a\u0085"), std::string("\xff"), std::string("\xed\xa0\x80"), std::string("\xc0\xaf")}) {
    EXPECT_FALSE(ChatId::parse(member + ":b")) << member;
    EXPECT_FALSE(ChatId::parse("b:" + member)) << member;
  }
  EXPECT_FALSE(ChatId::parse(""));
  EXPECT_FALSE(ChatId::parse("group"));
  EXPECT_FALSE(ChatId::parse("a:b:c"));
}

}  // namespace
}  // namespace parley
