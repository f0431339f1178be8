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

TEST_F(ClientTest, AnOutageThatIsOldIsNotWaitedFor) {
  RedisServer server;
  ASSERT_TRUE(start({.servers = {server.endpoint()}, .patience = milliseconds(50)}));
  server.kill();
  eventually("calls are refused", [&] { return call({"GET", "key"}).outcome == Outcome::kRefused; });
  const CallResult refused = call({"GET", "key"});
  EXPECT_FALSE(refused.sent);
  EXPECT_THAT(refused.why, HasSubstr("Connection refused"));
  EXPECT_THAT(ready().error().detail, HasSubstr("Connection refused"));
  server.start();
  eventually("it is ready", [&] { return ready().has_value(); });
}

TEST_F(ClientTest, AttemptsThatFailDoNotChangeWhatWasRead) {
  RedisServer server;
  ASSERT_TRUE(start({.servers = {server.endpoint()}}));
  const std::uint64_t at_first = changes();
  EXPECT_EQ(call({"PING"}).reply.text, "PONG");
  EXPECT_EQ(changes(), at_first);
  server.kill();
  const std::string failures = "parley_redis_connect_failures_total{server=\"" + server.endpoint().to_string() + "\"}";
  eventually("an attempt fails", [&] { return metric(failures) >= 1; });
  const std::uint64_t lost = changes();
  EXPECT_NE(lost, at_first);
  const double failed = metric(failures);
  eventually("more attempts fail", [&] { return metric(failures) >= failed + 3; });
  EXPECT_EQ(changes(), lost);
  server.start();
  eventually("it is ready", [&] { return ready().has_value(); });
  EXPECT_NE(changes(), lost) << "another connection, behind which data may be others";
}

TEST_F(ClientTest, OneLineSaysWhyAPasswordIsWrong) {
  RedisServer open;
  const net::Endpoint& server = open.endpoint();
  EXPECT_THAT(complaint({.servers = {server}, .password = "x"}),
              HasSubstr("the server asks for no password: give none"));
  EXPECT_THAT(complaint({.servers = {server}, .user = "bob", .password = "x"}),
              HasSubstr("the server does not know the user with this password"));
  RedisServer guarded({"requirepass swordfish", "user alice on >herring ~* &* +@all"});
  EXPECT_THAT(complaint({.servers = {guarded.endpoint()}}), HasSubstr("the server asks for a password"));
  EXPECT_THAT(complaint({.servers = {guarded.endpoint()}, .password = "x"}),
              HasSubstr("the server has another password"));
  EXPECT_EQ(complaint({.servers = {guarded.endpoint()}, .password = "swordfish"}, milliseconds(20'000)), "");
  EXPECT_EQ(complaint({.servers = {guarded.endpoint()}, .user = "alice", .password = "herring"}, milliseconds(20'000)),
            "");
  EXPECT_EQ(call({"SET", "key", "x"}).reply.text, "OK");
}

TEST_F(ClientTest, AWrongPasswordOrDatabaseEndsTheStartAtOnce) {
  RedisServer guarded({"requirepass swordfish", "databases 2"});
  const auto begun = std::chrono::steady_clock::now();
  for (const std::string password : {"", "herring"}) {
    EXPECT_NE(complaint({.servers = {guarded.endpoint()}, .password = password}, milliseconds(60'000)), "");
  }
  EXPECT_NE(complaint({.servers = {guarded.endpoint()}, .database = 2, .password = "swordfish"}, milliseconds(60'000)),
            "");
  EXPECT_LT(std::chrono::steady_clock::now() - begun, milliseconds(30'000));
}

TEST_F(ClientTest, AServerThatEndsConnectionsAgainAndAgainIsSoonCalledAgain) {
  RedisServer server;
  ASSERT_TRUE(start({.servers = {server.endpoint()}, .patience = milliseconds(20'000)}));
  const auto begun = std::chrono::steady_clock::now();
  constexpr int kTimes = 60;  // each would take a second if one pause were longer than the one before
  for (int i = 0; i < kTimes; ++i) {
    (void)server.ask({"CLIENT", "KILL", "TYPE", "normal"});
    CallResult result = call({"PING", ""});
    if (result.outcome == Outcome::kLost) result = call({"PING", ""});
    EXPECT_EQ(result.outcome, Outcome::kAnswered) << i << ": " << result.why;
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begun, milliseconds(20'000));
}

TEST_F(ClientTest, AServerMayBeNamed) {
  RedisServer server;
  ASSERT_TRUE(start({.servers = {{"localhost", server.port()}}}));
  EXPECT_EQ(call({"PING", ""}).outcome, Outcome::kAnswered);
}

TEST_F(ClientTest, OneLineSaysThatADatabaseIsNotThere) {
  RedisServer server({"databases 2"});
  EXPECT_THAT(complaint({.servers = {server.endpoint()}, .database = 2}), HasSubstr("the server has no database 2"));
  EXPECT_EQ(complaint({.servers = {server.endpoint()}, .database = 1}, milliseconds(20'000)), "");
  EXPECT_EQ(call({"SET", "key", "x"}).reply.text, "OK");
  EXPECT_EQ(server.ask({"GET", "key"}).type, Reply::Type::kNil);
}

TEST_F(ClientTest, OneLineSaysThatNobodyIsThere) {
  const net::Endpoint nobody{"127.0.0.1", free_port()};
  EXPECT_EQ(complaint({.servers = {nobody}}), nobody.to_string() + ": cannot connect: Connection refused");
}

TEST_F(ClientTest, ANodeOfAClusterIsNoServerByItself) {
  RedisServer server({"cluster-enabled yes"});
  ASSERT_TRUE(start({.servers = {server.endpoint()}, .patience = milliseconds(100)}));
  const CallResult refused = call({"SET", "key", "x"});
  EXPECT_EQ(refused.outcome, Outcome::kRefused);
  EXPECT_THAT(refused.why, HasSubstr("CLUSTERDOWN"));
}

TEST_F(ClientTest, AFullServerRefuses) {
  RedisServer server({"maxmemory 1", "maxmemory-policy noeviction"});
  ASSERT_TRUE(start({.servers = {server.endpoint()}}));
  const CallResult refused = call({"SET", "key", "x"});
  EXPECT_EQ(refused.outcome, Outcome::kRefused);
  EXPECT_FALSE(refused.sent);
  const Script script("return redis.call('SET', KEYS[1], ARGV[1])");
  EXPECT_EQ(run(script, "key", "x").outcome, Outcome::kRefused);
}

TEST_F(ClientTest, ReplicasConfirm) {
  RedisServer master;
  RedisServer replica({"replicaof 127.0.0.1 " + std::to_string(master.port())});
  eventually("the replica is there", [&] { return master.field({"INFO"}, "connected_slaves") == "1"; });
  ASSERT_TRUE(start({.servers = {master.endpoint()}, .replicas = 1}));
  const CallResult stored = call({"SET", "key", "x"}, {.replicate = true});
  EXPECT_EQ(stored.outcome, Outcome::kAnswered) << stored.why;
  EXPECT_EQ(replica.ask({"GET", "key"}).text, "x");
  replica.freeze();
  const CallResult short_of = call({"SET", "key", "y"}, {.deadline = in(milliseconds(1'000)), .replicate = true});
  EXPECT_EQ(short_of.outcome, Outcome::kShort);
  EXPECT_EQ(call({"GET", "key"}).reply.text, "y");
  replica.thaw();
}

TEST_F(ClientTest, AFrozenServerIsNotWaitedFor) {
  RedisServer server;
  ASSERT_TRUE(start({.servers = {server.endpoint()}, .patience = milliseconds(200), .watch = milliseconds(20)}));
  server.freeze();
  const CallResult expired = call({"GET", "key"}, {.deadline = in(milliseconds(50))});
  EXPECT_EQ(expired.outcome, Outcome::kExpired);
  EXPECT_TRUE(expired.sent);
  eventually("it is not ready", [&] { return !ready(); });
  EXPECT_EQ(call({"GET", "key"}).outcome, Outcome::kRefused);
  server.thaw();
  eventually("it is ready", [&] { return ready().has_value(); });
  EXPECT_EQ(call({"GET", "key"}).outcome, Outcome::kAnswered);
}

Async<> see(std::string address, Ask ask, std::vector<std::string>& seen) {
  std::string command = format_command({"CONFIG", "GET", "maxmemory-policy"});
  const CallResult result = co_await ask(std::move(command));
  seen.push_back(address + " " + result.reply.elements.at(1).text);
}

TEST_F(ClientTest, MastersAreVisited) {
  RedisServer server;
  ASSERT_TRUE(start({.servers = {server.endpoint()}}));
  const auto ask = [this](std::vector<std::string>& seen) -> Async<> {
    return client_->visit_masters(milliseconds(20'000), [&seen](std::string address, Ask one) {
      return see(std::move(address), std::move(one), seen);
    });
  };
  std::vector<std::string> seen;
  boost::asio::co_spawn(loops_[0].executor(), [&] { return ask(seen); }, boost::asio::use_future).get();
  EXPECT_EQ(seen, std::vector<std::string>{server.endpoint().to_string() + " noeviction"});
}

}  // namespace
}  // namespace parley::redis
