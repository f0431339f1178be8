#include "redis/reply_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "redis/command.h"

namespace parley::redis {
namespace {

using Type = Reply::Type;
using testing::HasSubstr;

constexpr ReplyLimits kSmall{.bytes = 1000, .elements = 10, .line = 100};

/// The first reply in `bytes`, which must be one.
Reply read(std::string_view bytes) {
  ReplyReader reader;
  reader.feed(bytes);
  return reader.take().value().value();
}

/// What is wrong with `bytes`; empty: nothing yet.
std::string complaint(std::string_view bytes, ReplyLimits limits = kSmall) {
  ReplyReader reader(limits);
  reader.feed(bytes);
  const auto reply = reader.take();
  return reply ? "" : reply.error().detail;
}

TEST(ReplyReader, ReadsEveryType) {
  EXPECT_EQ(read("+OK\r\n").type, Type::kStatus);
  EXPECT_EQ(read("+OK\r\n").text, "OK");
  EXPECT_EQ(read("-ERR no\r\n").text, "ERR no");
  EXPECT_TRUE(read("-ERR no\r\n").is_error());
  EXPECT_EQ(read(":-9223372036854775808\r\n").integer, std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(read("$4\r\na\r\nb\r\n").text, "a\r\nb");
  EXPECT_EQ(read("$0\r\n\r\n").type, Type::kString);
  EXPECT_EQ(read("$-1\r\n").type, Type::kNil);
  EXPECT_EQ(read("*-1\r\n").type, Type::kNil);
  EXPECT_EQ(read("*0\r\n").type, Type::kArray);
}

TEST(ReplyReader, ReadsArraysInArrays) {
  const Reply reply = read("*3\r\n*2\r\n:1\r\n*1\r\n$1\r\nx\r\n$-1\r\n*2\r\n+a\r\n-b\r\n");
  ASSERT_EQ(reply.elements.size(), 3U);
  EXPECT_EQ(reply.elements[0].elements[0].integer, 1);
  EXPECT_EQ(reply.elements[0].elements[1].elements[0].text, "x");
  EXPECT_EQ(reply.elements[1].type, Type::kNil);
  EXPECT_EQ(reply.elements[2].elements[1].text, "b");
}

TEST(ReplyReader, GrowsArraysUnderWhatIsInThem) {
  std::string bytes = "*1000\r\n";
  for (int i = 0; i < 1000; ++i) bytes += "*2\r\n:" + std::to_string(i) + "\r\n*1\r\n$3\r\nabc\r\n";
  const Reply reply = read(bytes);
  ASSERT_EQ(reply.elements.size(), 1000U);
  EXPECT_EQ(reply.elements[999].elements[0].integer, 999);
  EXPECT_EQ(reply.elements[999].elements[1].elements[0].text, "abc");
}

TEST(ReplyReader, TakesRepliesHoweverTheyAreCut) {
  constexpr std::string_view kBytes = "*2\r\n$3\r\nabc\r\n:7\r\n+OK\r\n$-1\r\n";
  ReplyReader reader;
  std::vector<Reply> replies;
  for (const char byte : kBytes) {
    reader.feed({&byte, 1});
    while (auto reply = reader.take().value()) replies.push_back(*std::move(reply));
  }
  ASSERT_EQ(replies.size(), 3U);
  EXPECT_EQ(replies[0].elements[0].text, "abc");
  EXPECT_EQ(replies[1].text, "OK");
}

TEST(ReplyReader, RefusesWhatIsNoReply) {
  EXPECT_THAT(complaint("HTTP/1.1 400 Bad Request\r\n"), HasSubstr("got \"H\" as reply type byte"));
  EXPECT_NE(complaint("$-2\r\n"), "");
  EXPECT_NE(complaint("*-2\r\n"), "");
  EXPECT_NE(complaint("$x\r\n"), "");
  EXPECT_NE(complaint("*99999999999999999999\r\n"), "");
  EXPECT_NE(complaint("$9223372036854775807\r\n"), "");
}

TEST(ReplyReader, RefusesWhatIsTooLargeWhenItIsAnnounced) {
  EXPECT_EQ(complaint("$1000\r\n"), "");
  EXPECT_THAT(complaint("$1001\r\n"), HasSubstr("larger"));
  EXPECT_THAT(complaint("$536870912\r\n", {}), HasSubstr("larger"));
  EXPECT_EQ(complaint("*10\r\n"), "");
  EXPECT_THAT(complaint("*11\r\n"), HasSubstr("larger"));
  EXPECT_THAT(complaint("*1000000000\r\n", {}), HasSubstr("larger"));
  EXPECT_THAT(complaint("*6\r\n*6\r\n"), HasSubstr("larger"));
  EXPECT_THAT(complaint("*2\r\n$600\r\n" + std::string(600, 'x') + "\r\n$401\r\n"), HasSubstr("larger"));
  EXPECT_THAT(complaint("+" + std::string(99, 'x')), "");
  EXPECT_THAT(complaint("+" + std::string(101, 'x')), HasSubstr("larger"));
  std::string statuses = "*10\r\n";
  for (int i = 0; i < 10; ++i) statuses += "+" + std::string(120, 'x') + "\r\n";
  EXPECT_THAT(complaint(statuses), HasSubstr("larger"));
}

TEST(ReplyReader, RefusesArraysThatAreTooDeep) {
  std::string bytes;
  for (int i = 0; i < 20; ++i) bytes += "*1\r\n";
  EXPECT_THAT(complaint(bytes, {}), HasSubstr("nested"));
}

TEST(ReplyReader, CountsForEachReplyAnew) {
  ReplyReader reader(kSmall);
  for (int i = 0; i < 100; ++i) {
    reader.feed("*2\r\n:1\r\n$600\r\n" + std::string(600, 'x') + "\r\n");
    EXPECT_TRUE(reader.take().value());
  }
}

TEST(Command, IsWhatRedisReads) {
  EXPECT_EQ(format_command({"SET", std::string_view("a\0b", 3), ""}),
            std::string_view("*3\r\n$3\r\nSET\r\n$3\r\na\0b\r\n$0\r\n\r\n", 28));
}

TEST(Script, IsKnownByItsSha1) { EXPECT_EQ(Script("return 1").sha1(), "e0e1f9fabfc9d4800c877a703b823ac0578ff8db"); }

}  // namespace
}  // namespace parley::redis
