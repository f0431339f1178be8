#include "redis/layout.h"

#include <gtest/gtest.h>

#include "redis/refusal.h"
#include "redis/reply_reader.h"

namespace parley::redis {
namespace {

Reply read(std::string_view bytes) {
  ReplyReader reader;
  reader.feed(bytes);
  return reader.take().value().value();
}

const net::Endpoint kAsked{"asked.example", 7000};

TEST(Layout, IsWhatASentinelAnswers) {
  const auto layout = read_sentinel_reply(read("*2\r\n$9\r\n127.0.0.1\r\n$4\r\n6379\r\n"), "mymaster");
  ASSERT_TRUE(layout);
  EXPECT_EQ(layout->masters, (std::vector<net::Endpoint>{{"127.0.0.1", 6379}}));
  EXPECT_TRUE(layout->owners.empty());
}

TEST(Layout, IsNothingElseThatASentinelAnswers) {
  EXPECT_EQ(read_sentinel_reply(read("*-1\r\n"), "mymaster").error().detail,
            "the sentinel knows no master named mymaster");
  EXPECT_EQ(read_sentinel_reply(read("-ERR unknown command\r\n"), "m").error().detail, "ERR unknown command");
  for (const char* wrong : {":1\r\n", "*0\r\n", "*2\r\n:1\r\n:2\r\n", "*2\r\n$1\r\na\r\n$1\r\nb\r\n"}) {
    EXPECT_FALSE(read_sentinel_reply(read(wrong), "m")) << wrong;
  }
}

TEST(Layout, IsWhatANodeAnswers) {
  const auto layout =
      read_cluster_slots(read("*3\r\n"
                              "*4\r\n:0\r\n:99\r\n*3\r\n$1\r\na\r\n:1\r\n$2\r\nid\r\n*2\r\n$1\r\nr\r\n:9\r\n"
                              "*3\r\n:200\r\n:16383\r\n*2\r\n$0\r\n\r\n:2\r\n"
                              "*3\r\n:150\r\n:150\r\n*2\r\n$1\r\na\r\n:1\r\n"),
                         kAsked);
  ASSERT_TRUE(layout);
  EXPECT_EQ(layout->masters, (std::vector<net::Endpoint>{{"a", 1}, {"asked.example", 2}}));
  EXPECT_EQ(layout->replicas, (std::vector<net::Endpoint>{{"r", 9}}));
  EXPECT_EQ(layout->owners[0], 0);
  EXPECT_EQ(layout->owners[99], 0);
  EXPECT_EQ(layout->owners[100], Layout::kNobody);
  EXPECT_EQ(layout->owners[150], 0);
  EXPECT_EQ(layout->owners[16383], 1);
}

TEST(Layout, TakesAHostThatIsNotKnownForTheOneAsked) {
  for (const char* host : {"$-1\r\n", "$1\r\n?\r\n", "$0\r\n\r\n"}) {
    const auto layout =
        read_cluster_slots(read("*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n" + std::string(host) + ":5\r\n"), kAsked);
    ASSERT_TRUE(layout) << host;
    EXPECT_EQ(layout->masters[0], (net::Endpoint{"asked.example", 5}));
  }
}

TEST(Layout, IsNothingElseThatANodeAnswers) {
  EXPECT_EQ(read_cluster_slots(read("-ERR This instance has cluster support disabled\r\n"), kAsked).error().detail,
            "ERR This instance has cluster support disabled");
  EXPECT_EQ(read_cluster_slots(read("*0\r\n"), kAsked).error().detail, "the node knows no slots");
  for (const char* wrong :
       {"+OK\r\n", "*1\r\n:1\r\n", "*1\r\n*3\r\n:0\r\n:16384\r\n*2\r\n$1\r\na\r\n:1\r\n",
        "*1\r\n*3\r\n:-1\r\n:1\r\n*2\r\n$1\r\na\r\n:1\r\n", "*1\r\n*3\r\n:5\r\n:4\r\n*2\r\n$1\r\na\r\n:1\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n$1\r\na\r\n:65536\r\n", "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n:1\r\n:1\r\n"}) {
    EXPECT_FALSE(read_cluster_slots(read(wrong), kAsked)) << wrong;
  }
}

TEST(Refusal, IsKnownByItsCode) {
  for (std::size_t i = 0; i < kRefusalCodes.size(); ++i) {
    EXPECT_EQ(refusal_of(std::string(kRefusalCodes[i]) + " and why", false), static_cast<Refusal>(i));
    EXPECT_EQ(refusal_of(kRefusalCodes[i], false), static_cast<Refusal>(i));
  }
  EXPECT_FALSE(refusal_of("ERR OOM", false));
  EXPECT_FALSE(refusal_of("OOMPH", false));
  EXPECT_FALSE(refusal_of("", false));
}

TEST(Refusal, OfAScriptIsNoneThatMayComeAfterAWrite) {
  EXPECT_EQ(refusal_of("OOM command not allowed", true), Refusal::kOutOfMemory);
  EXPECT_FALSE(refusal_of("NOPERM ACL failure in script", true));
}

TEST(Refusal, LeadsToAnotherNode) {
  EXPECT_EQ(target_of("MOVED 3999 127.0.0.1:6381"), (net::Endpoint{"127.0.0.1", 6381}));
  EXPECT_EQ(target_of("ASK 3999 ::1:6381"), (net::Endpoint{"::1", 6381}));
  EXPECT_EQ(target_of("MOVED 3999 :6381"), (net::Endpoint{"", 6381}));
  EXPECT_EQ(target_of("MOVED 3999 ?:6381"), (net::Endpoint{"", 6381}));
  for (const char* wrong : {"MOVED", "MOVED 3999", "MOVED 1 a:", "MOVED 1 a:0", "MOVED 1 a:65536", "MOVED 1 a:1x"}) {
    EXPECT_FALSE(target_of(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace parley::redis
