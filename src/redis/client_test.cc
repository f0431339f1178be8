// One server: what a call says of each fault, against real servers.
#include "redis/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "redis/client_fixture.h"
#include "redis/redis_server_fixture.h"

namespace parley::redis {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

TEST(HashSlot, IsTheSpecifications) {
  EXPECT_EQ(hash_slot("123456789"), 0x31C3);
  EXPECT_EQ(hash_slot("{user1000}.following"), hash_slot("user1000"));
  EXPECT_EQ(hash_slot("{user1000}.followers"), hash_slot("{user1000}.following"));
  EXPECT_EQ(hash_slot("foo{{bar}}zap"), hash_slot("{bar"));
  EXPECT_EQ(hash_slot("foo{bar}{zap}"), hash_slot("bar"));
  EXPECT_EQ(hash_slot("foo"), 12182);
  // An empty tag is none: all of the key counts.
  EXPECT_NE(hash_slot("foo{}{bar}"), hash_slot("bar"));
  EXPECT_NE(hash_slot("foo{}{bar}"), hash_slot("foo{}{baz}"));
  EXPECT_EQ(hash_slot("foo{bar"), hash_slot("{foo{bar}"));
}

TEST(HashSlot, IsWhatAClusterSays) {
  RedisServer server({"cluster-enabled yes"});
  for (const char* key : {"", "a", "{user1000}.following", "foo{}{bar}", "foo{{bar}}zap", "foo{bar}{zap}", "}{", "{}",
                          "parley:{c}x:y}", "\xff\xfe"}) {
    EXPECT_EQ(hash_slot(key), server.ask({"CLUSTER", "KEYSLOT", key}).integer) << key;
  }
}

TEST_F(ClientTest, AnswersOfEveryKindComeBack) {
  RedisServer server;
  ASSERT_TRUE(start({.servers = {server.endpoint()}}));
  EXPECT_TRUE(ready());
  EXPECT_EQ(call({"SET", "key", std::string_view("a\0\r\n", 4)}).reply.text, "OK");
  EXPECT_EQ(call({"GET", "key"}).reply.text, std::string_view("a\0\r\n", 4));
  EXPECT_EQ(call({"GET", "none"}).reply.type, Reply::Type::kNil);
  EXPECT_EQ(call({"INCRBY", "number", "-7"}).reply.integer, -7);
  const CallResult wrong = call({"INCR", "key"});
  EXPECT_EQ(wrong.outcome, Outcome::kAnswered);
  EXPECT_THAT(wrong.reply.text, HasSubstr("ERR value is not an integer"));
  EXPECT_EQ(call({"XADD", "stream", "5-0", "f", "v"}).reply.text, "5-0");
  const Reply range = call({"XRANGE", "stream", "-", "+"}).reply;
  ASSERT_EQ(range.elements.size(), 1U);
  EXPECT_EQ(range.elements[0].elements[1].elements[1].text, "v");
}

TEST_F(ClientTest, AScriptIsLoadedWhereItIsNotKnown) {
  RedisServer server;
  ASSERT_TRUE(start({.servers = {server.endpoint()}}));
  const Script script("return {KEYS[1], ARGV[1]}");
  EXPECT_EQ(run(script, "key", "1").reply.elements[1].text, "1");
  EXPECT_EQ(run(script, "key", "2").reply.elements[1].text, "2");
  EXPECT_EQ(metric("parley_redis_errors_total{error=\"NOSCRIPT\"}"), 1);
  (void)server.ask({"SCRIPT", "FLUSH"});
  EXPECT_EQ(run(script, "key", "3").reply.elements[1].text, "3");
  EXPECT_EQ(metric("parley_redis_errors_total{error=\"NOSCRIPT\"}"), 2);
}

TEST_F(ClientTest, CallsWaitForARestart) {
  RedisServer server({"appendonly yes"});
  ASSERT_TRUE(start({.servers = {server.endpoint()}, .patience = milliseconds(20'000)}));
  EXPECT_EQ(call({"SET", "key", "kept"}).reply.text, "OK");
  server.kill();
  auto waiting = call_later({"GET", "key"});
  server.start();
  EXPECT_EQ(waiting.get().reply.text, "kept");
  EXPECT_TRUE(ready());
}

}  // namespace
}  // namespace parley::redis
