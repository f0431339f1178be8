#include "store/redis/recent_chats.h"

#include <gtest/gtest.h>

#include "chat/message.h"

namespace parley::store {
namespace {

constexpr std::int64_t kNow = 1'700'000'000'000'000;

TEST(RecentChats, TimesRiseAboveWhatWasTriedOrSeen) {
  RecentChats recent(1 << 20);
  EXPECT_EQ(recent.next_time("a:b", kNow), kNow);
  EXPECT_EQ(recent.next_time("a:b", kNow), kNow + 1);
  EXPECT_EQ(recent.next_time("a:c", kNow), kNow);
  recent.saw("a:b", kNow + 10);
  EXPECT_EQ(recent.next_time("a:b", kNow), kNow + 11);
  recent.saw("a:b", kNow);
  EXPECT_EQ(recent.next_time("a:b", kNow), kNow + 12);
  recent.saw("a:b", kMaxSendTime);
  EXPECT_EQ(recent.next_time("a:b", kNow), std::nullopt);
}

TEST(RecentChats, ATimeThatWasTriedIsNoMessage) {
  RecentChats recent(1 << 20);
  EXPECT_FALSE(recent.has_messages("a:b"));
  EXPECT_TRUE(recent.next_time("a:b", kNow));
  EXPECT_FALSE(recent.has_messages("a:b"));
  recent.saw("a:b", kNow);
  EXPECT_TRUE(recent.has_messages("a:b"));
}

TEST(RecentChats, ForgetsMessagesButNoTimes) {
  RecentChats recent(1 << 20);
  recent.saw("a:b", kNow + 10);
  recent.forget_messages();
  EXPECT_FALSE(recent.has_messages("a:b"));
  EXPECT_EQ(recent.next_time("a:b", kNow), kNow + 11);
  recent.saw("a:b", kNow + 11);
  EXPECT_TRUE(recent.has_messages("a:b"));
}

TEST(RecentChats, TheOneUsedLongestAgoIsForgottenFirst) {
  RecentChats recent(1000);
  recent.saw("a:0", kNow);
  const std::size_t before = recent.size();
  for (int i = 1; i < 100; ++i) {
    recent.saw("a:" + std::to_string(i), kNow);
    recent.saw("a:0", kNow);
  }
  EXPECT_EQ(before, 1U);
  EXPECT_GT(recent.size(), 2U);
  EXPECT_LT(recent.size(), 7U);
  EXPECT_TRUE(recent.has_messages("a:0"));
  EXPECT_TRUE(recent.has_messages("a:99"));
  EXPECT_FALSE(recent.has_messages("a:1"));
}

TEST(RecentChats, HasRoomForOneHoweverLittleThereIs) {
  RecentChats recent(0);
  recent.saw("a:b", kNow);
  EXPECT_TRUE(recent.has_messages("a:b"));
  recent.saw("a:c", kNow);
  EXPECT_EQ(recent.size(), 1U);
}

}  // namespace
}  // namespace parley::store
