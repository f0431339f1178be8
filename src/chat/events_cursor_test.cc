#include "chat/events_cursor.h"

#include <random>

#include <gtest/gtest.h>

#include "base/base64url.h"
#include "chat/message.h"

namespace parley {
namespace {

constexpr std::string_view kStore = "0123456789abcdef0123456789abcdef";

EventsCursor cursor(std::vector<std::int64_t> numbers, std::int32_t backlog = 0) {
  return {std::move(numbers), backlog};
}

ErrorCode why_not(std::string_view text, std::size_t lanes = 2) {
  const auto read = read_events_cursor(text, kStore, "alice", lanes);
  return read ? ErrorCode::kInternal : read.error().code;
}

TEST(EventsCursor, ComesBack) {
  std::mt19937_64 random(1);
  for (std::size_t lanes = 1; lanes <= kMaxLanes; ++lanes) {
    for (int round = 0; round < 50; ++round) {
      EventsCursor made;
      for (std::size_t i = 0; i < lanes; ++i) {
        const std::int64_t now = 1'700'000'000'000'000;
        const std::int64_t any = static_cast<std::int64_t>(random() % (kMaxSendTime + 1));
        made.numbers.push_back(round % 5 == 0 ? any : round % 5 == 1 ? 0 : now - any % 10'000'000);
      }
      made.backlog = static_cast<std::int32_t>(random() % 3 == 0 ? 1 + random() % kMaxBacklog : 0);
      const std::string text = write_events_cursor(made, kStore, "alice");
      EXPECT_LE(text.size(), kMaxEventsCursorBytes);
      const auto read = read_events_cursor(text, kStore, "alice", lanes);
      ASSERT_TRUE(read) << read.error().detail;
      EXPECT_EQ(*read, made);
    }
  }
}

TEST(EventsCursor, TheLongestIsStillShort) {
  EventsCursor made = cursor(std::vector<std::int64_t>(kMaxLanes, kMaxSendTime), kMaxBacklog);
  made.numbers[0] = 0;
  const std::string store(64, 's');
  const std::string user(64, 'u');
  const std::string text = write_events_cursor(made, store, user);
  EXPECT_LE(text.size(), kMaxEventsCursorBytes);
  EXPECT_EQ(read_events_cursor(text, store, user, kMaxLanes), made);
}

TEST(EventsCursor, OfAnotherStoreOrUserItIsGone) {
  const EventsCursor made = cursor({5, 7});
  EXPECT_EQ(why_not(write_events_cursor(made, "another", "alice")), ErrorCode::kCursorGone);
  EXPECT_EQ(why_not(write_events_cursor(made, kStore, "bob")), ErrorCode::kCursorGone);
  EXPECT_EQ(why_not(write_events_cursor(made, kStore, "Alice")), ErrorCode::kCursorGone);
  EXPECT_EQ(why_not(write_events_cursor(made, kStore, "alice"), 3), ErrorCode::kCursorGone);
  EXPECT_EQ(why_not(write_events_cursor(cursor({5}), kStore, "alice")), ErrorCode::kCursorGone);
}

TEST(EventsCursor, GarbageIsInvalid) {
  for (const std::string& text :
       {std::string(), std::string("0"), std::string("17"), std::string("AQ"), std::string("\xff\xff"),
        std::string("AAAAAAAAAAAAAAAA"), std::string(kMaxEventsCursorBytes + 1, 'A'), std::string(1'000'000, 'x')}) {
    EXPECT_EQ(why_not(text), ErrorCode::kInvalidCursor) << text.substr(0, 20);
  }
}

TEST(EventsCursor, EveryMangledOneIsInvalid) {
  const std::string text =
      write_events_cursor(cursor({1'700'000'000'000'000, 1'699'999'999'000'000}, 10), kStore, "alice");
  ASSERT_EQ(why_not(text), ErrorCode::kInternal);
  for (std::size_t i = 0; i < text.size(); ++i) {
    EXPECT_EQ(why_not(text.substr(0, i)), ErrorCode::kInvalidCursor) << i;
    for (const char other : {'A', 'B', '_', '='}) {
      std::string mangled = text;
      if (mangled[i] == other) continue;
      mangled[i] = other;
      EXPECT_EQ(why_not(mangled), ErrorCode::kInvalidCursor) << i;
    }
  }
  EXPECT_EQ(why_not(text + "A"), ErrorCode::kInvalidCursor);
  EXPECT_EQ(why_not(text + "AAAA"), ErrorCode::kInvalidCursor);
}

}  // namespace
}  // namespace parley
