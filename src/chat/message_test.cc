#include "chat/message.h"

#include <gtest/gtest.h>

namespace parley {
namespace {

TEST(NextCursor, FollowsTheLastMessageOrStaysPut) {
  const std::vector<Message> messages = {{"a", "x", 10}, {"a", "y", 20}};
  EXPECT_EQ(next_cursor(messages, {.cursor = 5}), 21);
  EXPECT_EQ(next_cursor(messages, {.cursor = 30, .reverse = true}), 19);
  EXPECT_EQ(next_cursor({}, {.cursor = 5}), 5);
  EXPECT_EQ(next_cursor({}, {.cursor = 5, .reverse = true}), 5);
}

TEST(CheckText, TakesOneByteToTheLimit) {
  EXPECT_TRUE(check_text("x", 4));
  EXPECT_TRUE(check_text(std::string_view("\0\x01\x7f\n", 4), 4));
  EXPECT_EQ(check_text("", 4).error().code, ErrorCode::kInvalidText);
  EXPECT_EQ(check_text("12345", 4).error().code, ErrorCode::kTextTooLong);
  EXPECT_EQ(check_text("\xff", 4).error().code, ErrorCode::kInvalidText);
}

TEST(CheckIdempotencyKey, TakesUpTo128BytesOfUtf8) {
  EXPECT_TRUE(check_idempotency_key(""));
  EXPECT_TRUE(check_idempotency_key("\"quoted\""));
  EXPECT_TRUE(check_idempotency_key(std::string(128, 'k')));
  EXPECT_FALSE(check_idempotency_key(std::string(129, 'k')));
  EXPECT_FALSE(check_idempotency_key("\xc3"));
}

TEST(PageRoom, EndsAtTheFirstOfItsBounds) {
  PageRoom few({.limit = 2, .max_bytes = 100});
  EXPECT_TRUE(few.take(10));
  EXPECT_TRUE(few.take(90));
  EXPECT_FALSE(few.take(0));
  EXPECT_EQ(few.count(), 0U);
  EXPECT_EQ(few.bytes(), 0U);

  PageRoom small({.limit = 10, .max_bytes = 100});
  EXPECT_TRUE(small.take(60));
  EXPECT_FALSE(small.take(41));
  EXPECT_EQ(small.bytes(), 40U);
  EXPECT_EQ(small.count(), 9U);
}

TEST(PageRoom, TheFirstMessageHasRoomWhateverItsSize) {
  PageRoom room({.limit = 10, .max_bytes = 100});
  EXPECT_TRUE(room.take(1000));
  EXPECT_EQ(room.bytes(), 0U);
  EXPECT_FALSE(room.take(1));
}

}  // namespace
}  // namespace parley
