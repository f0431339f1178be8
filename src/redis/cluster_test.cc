// A cluster whose slots move and whose masters fail.
#include <atomic>
#include <future>
#include <map>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "redis/client_fixture.h"
#include "redis/redis_topology_fixture.h"

namespace parley::redis {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::HasSubstr;

class ClusterTest : public ClientTest {
 protected:
  ClusterTest() : ClientTest(2) {}

  ClientOptions options() const {
    return {.topology = Topology::kCluster, .servers = {cluster_.node(0).endpoint()}, .patience = milliseconds(20'000)};
  }

  RedisCluster cluster_{3, 3};
};

TEST_F(ClusterTest, CallsGoToWhoeverHasTheSlot) {
  ASSERT_TRUE(start(options()));
  for (int i = 0; i < 100; ++i) {
    const std::string key = "key" + std::to_string(i);
    EXPECT_EQ(call({"SET", key, key}).reply.text, "OK");
    EXPECT_EQ(call({"GET", key}).reply.text, key);
  }
  EXPECT_EQ(metric("parley_redis_errors_total{error=\"MOVED\"}"), 0);
  int keys = 0;
  for (int i = 0; i < 3; ++i) {
    const auto size = cluster_.node(i).ask({"DBSIZE"}).integer;
    EXPECT_GT(size, 0);
    keys += static_cast<int>(size);
  }
  EXPECT_EQ(keys, 100);
  const Script script("return redis.call('GET', KEYS[1])");
  EXPECT_EQ(run(script, "key7").reply.text, "key7");
}

TEST_F(ClusterTest, CallsFollowASlotThatMoves) {
  ASSERT_TRUE(start(options()));
  const int slot = hash_slot("{a}");
  int from = 0;
  while (!cluster_.node(from).ask({"GET", "{a}"}).text.empty()) ++from;  // others say MOVED
  const RedisServer& old = cluster_.node(from);
  const RedisServer& next = cluster_.node((from + 1) % 3);
  EXPECT_EQ(call({"SET", "{a}old", "1"}).reply.text, "OK");
  RedisCluster::begin_move(slot, old, next);
  // What is there is still there; what is not is made at the new owner: ASK.
  EXPECT_EQ(call({"GET", "{a}old"}).reply.text, "1");
  auto one = call_later({"SET", "{a}new", "2"});
  auto two = call_later({"GET", "{a}old"});
  auto three = call_later({"GET", "{a}none"});
  EXPECT_EQ(one.get().reply.text, "OK");
  EXPECT_EQ(two.get().reply.text, "1");
  EXPECT_EQ(three.get().reply.type, Reply::Type::kNil);
  EXPECT_GE(metric("parley_redis_errors_total{error=\"ASK\"}"), 2);
  EXPECT_EQ(metric("parley_redis_errors_total{error=\"MOVED\"}"), 0);
  // Keys on both sides.
  auto both = call_later({"MGET", "{a}old", "{a}new"});
  eventually("it is to try again", [&] { return metric("parley_redis_errors_total{error=\"TRYAGAIN\"}") > 0; });
  RedisCluster::move_keys(slot, old, next);
  cluster_.end_move(slot, next);
  EXPECT_EQ(both.get().reply.elements.at(0).text, "1");
  EXPECT_EQ(call({"GET", "{a}old"}).reply.text, "1");
  EXPECT_EQ(call({"GET", "{a}new"}).reply.text, "2");
  EXPECT_TRUE(ready());
}

TEST_F(ClusterTest, ASlotThatHasMovedMayHaveOtherData) {
  ClientOptions calm = options();
  calm.watch = milliseconds(20'000);  // MOVED alone tells of the new owner
  ASSERT_TRUE(start(calm));
  const int slot = hash_slot("{a}");
  int from = 0;
  while (!cluster_.node(from).ask({"GET", "{a}"}).text.empty()) ++from;
  EXPECT_EQ(call({"SET", "{a}", "1"}).reply.text, "OK");
  const std::uint64_t before = changes();
  const RedisServer& next = cluster_.node((from + 1) % 3);
  RedisCluster::begin_move(slot, cluster_.node(from), next);
  RedisCluster::move_keys(slot, cluster_.node(from), next);
  cluster_.end_move(slot, next);
  EXPECT_EQ(call({"GET", "{a}"}).reply.text, "1");
  EXPECT_GE(metric("parley_redis_errors_total{error=\"MOVED\"}"), 1);
  const std::uint64_t moved = changes();
  EXPECT_NE(moved, before);
  EXPECT_EQ(call({"GET", "{a}"}).reply.text, "1");
  EXPECT_EQ(changes(), moved);
}

TEST_F(ClusterTest, CallsWaitUntilAReplicaIsPromoted) {
  ASSERT_TRUE(start(options()));
  std::vector<std::string> keys;
  for (int i = 0; i < 30; ++i) keys.push_back("key" + std::to_string(i));
  for (const std::string& key : keys) EXPECT_EQ(call({"SET", key, "1"}).reply.text, "OK");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(cluster_.node(i).ask({"WAIT", "1", "1000"}).type, Reply::Type::kInteger);
  eventually("replicas have all", [&] {
    std::int64_t there = 0;
    for (int i = 3; i < 6; ++i) there += cluster_.node(i).ask({"DBSIZE"}).integer;
    return there == 30;
  });
  cluster_.node(1).kill();
  std::vector<Future> calls;
  for (const std::string& key : keys) calls.push_back(call_later({"GET", key}));
  for (Future& one : calls) {
    const CallResult result = one.get();
    // What was on its way when the connection ended is its caller's to repeat.
    if (result.outcome != Outcome::kLost) EXPECT_EQ(result.reply.text, "1") << result.why;
  }
  for (const std::string& key : keys) EXPECT_EQ(call({"SET", key, "2"}).reply.text, "OK");
  EXPECT_TRUE(ready());
}

TEST_F(ClusterTest, ACallIsRefusedWhereNobodyHasItsSlot) {
  ClientOptions impatient = options();
  impatient.patience = milliseconds(100);
  ASSERT_TRUE(start(impatient));
  int from = 0;
  while (!cluster_.node(from).ask({"GET", "{a}"}).text.empty()) ++from;
  for (int i = 0; i < 6; ++i) (void)cluster_.node(i).ask({"CLUSTER", "DELSLOTS", std::to_string(hash_slot("{a}"))});
  const CallResult result = call({"SET", "{a}", "1"}, {.deadline = in(milliseconds(2'000))});
  EXPECT_EQ(result.outcome, Outcome::kRefused);
  EXPECT_FALSE(result.sent);
}

TEST_F(ClusterTest, AServerThatIsNoNodeIsNone) {
  RedisServer single;
  EXPECT_THAT(complaint({.topology = Topology::kCluster, .servers = {single.endpoint()}}, milliseconds(1'000)),
              HasSubstr("ERR This instance has cluster support disabled"));
}

}  // namespace
}  // namespace parley::redis
