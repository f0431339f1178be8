#include "load/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley::load {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Answer, ItsHeadIsRead) {
  const std::string_view text =
      "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 12\r\nParley-Code: overloaded\r\n"
      "Parley-Durability:os\r\nConnection: close\r\n\r\nbody";
  const auto head = read_head(text);
  ASSERT_TRUE(head);
  EXPECT_EQ(text.substr(head->size), "body");
  EXPECT_EQ(head->status, 503U);
  EXPECT_EQ(head->content_length, 12U);
  EXPECT_EQ(head->code, "overloaded");
  EXPECT_EQ(head->durability, "os");
  EXPECT_TRUE(head->close);
}

TEST(Answer, AHeadIsWaitedForUntilItIsWhole) {
  EXPECT_FALSE(read_head(""));
  EXPECT_FALSE(read_head("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"));
  const auto bare = read_head("HTTP/1.1 200 OK\r\n\r\n");
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->status, 200U);
  EXPECT_FALSE(bare->content_length);
  EXPECT_EQ(read_head("SSH-2.0-OpenSSH\r\n\r\n")->status, 0U);
}

TEST(Answer, ItsNumbersAreRead) {
  constexpr std::string_view kPage =
      R"({"messages":[{"chat":"a:b","text":"\"send_time\":7","sender":"a","send_time":11},)"
      R"({"chat":"a:b","text":"x","sender":"a","send_time":12}],"has_more":false,"next_cursor":13})";
  EXPECT_THAT(send_times(kPage), ElementsAre(11, 12));
  EXPECT_EQ(last_number(kPage, "next_cursor"), 13);
  EXPECT_EQ(last_number(kPage, "cursor"), std::nullopt);
  EXPECT_THAT(send_times(R"({"messages":[],"has_more":false,"next_cursor":13})"), IsEmpty());
}

}  // namespace
}  // namespace parley::load
