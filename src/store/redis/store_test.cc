// What is special about the store in Redis; the contract is in message_store_test.cc, broken links are in
// link_test.cc.
#include "store/redis/store.h"

#include <fstream>

#include <gmock/gmock.h>

#include "redis/client.h"
#include "redis/redis_topology_fixture.h"
#include "store/redis/entries.h"
#include "store/redis/identity.h"
#include "store/redis/key_generations.h"
#include "store/redis/lanes.h"
#include "store/redis/store_fixture.h"

namespace parley::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::int64_t kHour = 3'600'000'000;

/// Which of the masters has the slot of this key, that may not be there.
const redis::RedisServer& holder_of_slot(const RedisMasters& masters, std::string_view key) {
  std::size_t at = 0;
  while (masters.server(at).ask({"EXISTS", key}).is_error()) ++at;  // MOVED
  return masters.server(at);
}

class RedisStoreTest : public RedisStoreFixture {
 protected:
  void SetUp() override { store_ = RedisStoreFixture::open(options()); }

  void set(std::string_view name, std::string_view value) {
    EXPECT_EQ(server_.ask({"CONFIG", "SET", name, value}).text, "OK") << name;
  }
  std::string log_of(std::string_view chat) { return redis_key(store_->lane_of(chat), RedisKey::kLog, chat); }
  std::string clock_of(std::string_view chat) { return redis_key(store_->lane_of(chat), RedisKey::kClock); }
  std::int64_t length(std::string_view key) { return server_.ask({"XLEN", key}).integer; }
  bool ready() { return health().writes; }
};

// Several nodes

TEST_F(RedisStoreTest, NodesWhoseClocksAreAnHourApartWriteInOrder) {
  StoreOptions behind = options();
  behind.clock = [this] { return now_.load() - kHour; };
  const auto other = RedisStoreFixture::open(behind);
  std::vector<std::int64_t> times;
  std::vector<std::string> expected;
  for (int i = 0; i < 20; ++i) {
    MessageStore& node = i % 3 == 0 ? *store_ : *other;
    expected.push_back(std::to_string(i));
    const auto appended = run(node.append(change_of({chat_of("a:b"), "a", expected.back(), ""}), kNoDeadline));
    ASSERT_TRUE(appended) << appended.error().detail;
    times.push_back(appended->send_time);
  }
  for (std::size_t i = 1; i < times.size(); ++i) EXPECT_LT(times[i - 1], times[i]);
  EXPECT_EQ(texts("a:b"), expected);
}

TEST_F(RedisStoreTest, ConcurrentSendsOfSeveralNodesGetTimesOfTheirOwn) {
  StoreOptions behind = options();
  behind.clock = [this] { return now_.load() - kHour; };
  const auto other = RedisStoreFixture::open(behind);
  std::vector<std::future<Result<Appended>>> pending;
  for (std::size_t i = 0; i < 200; ++i) {
    MessageStore& node = i % 2 == 0 ? *store_ : *other;
    const std::string key = i % 5 == 0 ? "key" + std::to_string(i) : "";
    pending.push_back(
        start(node.append(change_of({chat_of("a:b"), "a", "text", key}), kNoDeadline), i % loops_.size()));
  }
  std::set<std::int64_t> times;
  for (auto& one : pending) times.insert(one.get()->send_time);
  EXPECT_EQ(times.size(), 200U);
  EXPECT_EQ(texts("a:b").size(), 200U);
}

TEST_F(RedisStoreTest, AKeyHoldsOnEveryNode) {
  const auto other = RedisStoreFixture::open(options());
  const std::int64_t time = stored("a:b", "a", "text", "key");
  const auto repeat = run(other->append(change_of({chat_of("a:b"), "a", "text", "key"}), kNoDeadline));
  ASSERT_TRUE(repeat);
  EXPECT_TRUE(repeat->duplicate);
  EXPECT_EQ(repeat->send_time, time);
  EXPECT_EQ(code_of(run(other->append(change_of({chat_of("a:b"), "a", "other", "key"}), kNoDeadline))),
            ErrorCode::kIdempotencyConflict);
  EXPECT_EQ(other->id(), store_->id());
}

TEST_F(RedisStoreTest, AKeyThatWasTakenAnewStandsForTheLaterMessageOnEveryNode) {
  StoreOptions behind = options();
  behind.clock = [this] { return now_.load() - kHour; };
  const auto other = RedisStoreFixture::open(behind);
  ASSERT_TRUE(run(other->append(change_of({chat_of("a:b"), "a", "first", "key"}), kNoDeadline)));
  const std::string generation =
      RedisKeyGenerations::key(store_->lane_of("a:b"), {.number = 1, .buckets = RedisKeyGenerations::kLeastBuckets});
  (void)server_.ask({"PEXPIRE", generation, std::to_string(24 * 3'600'000)});  // it is an old one now
  now_ += 24 * kHour - kHour / 2;  // the window has passed for the one node, and not for the other
  const std::int64_t later = stored("a:b", "a", "second", "key");
  const auto repeat = run(other->append(change_of({chat_of("a:b"), "a", "second", "key"}), kNoDeadline));
  ASSERT_TRUE(repeat) << repeat.error().detail;
  EXPECT_TRUE(repeat->duplicate);
  EXPECT_EQ(repeat->send_time, later);
}

TEST_F(RedisStoreTest, WhatWasAcknowledgedOutlivesTheServer) {
  const std::int64_t time = stored("a:b", "a", "text", "key");
  const std::string id = store_->id();
  server_.kill();
  server_.start();
  EXPECT_THAT(texts("a:b"), ElementsAre("text"));
  EXPECT_EQ(append("a:b", "a", "text", "key")->send_time, time);
  store_ = RedisStoreFixture::open(options());
  EXPECT_EQ(store_->id(), id);
  EXPECT_EQ(append("a:b", "a", "text", "key")->send_time, time);
}

// How it lies in Redis

TEST_F(RedisStoreTest, AnEntryIsItsTimeAndTheRecord) {
  const std::int64_t time = stored("a:b", "b", "text", "key");
  const auto entries = server_.ask({"XRANGE", log_of("a:b"), "-", "+"}).elements;
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].elements[0].text, std::to_string(time) + "-0");
  const auto& fields = entries[0].elements[1].elements;
  ASSERT_EQ(fields.size(), 2U);
  EXPECT_EQ(fields[0].text, "r");
  EXPECT_EQ(fields[1].text, std::string("\1\1\0\n\4text\x12\3key", 14));
  EXPECT_EQ(server_.ask({"HGET", clock_of("a:b"), "t"}).text, std::to_string(time));
}

TEST_F(RedisStoreTest, EntriesThatAreNoneOfOursAreSkipped) {
  stored("a:b", "a", "1");
  for (int i = 1; i <= 40; ++i) {
    (void)server_.ask({"XADD", log_of("a:b"), std::to_string(kStart + i) + "-0", "edit", "of something"});
  }
  (void)server_.ask({"XADD", log_of("a:b"), std::to_string(kStart + 50) + "-7", "r", "no time of ours"});
  now_ += 100;
  stored("a:b", "a", "2");
  stored("a:b", "a", "3");
  EXPECT_THAT(texts("a:b"), ElementsAre("1", "2", "3"));
  const auto page = read("a:b", {.limit = 2});
  ASSERT_TRUE(page);
  EXPECT_EQ(page->records.size(), 2U);
  EXPECT_TRUE(page->has_more);
  EXPECT_THAT(texts("a:b", {.limit = 3, .reverse = true}), ElementsAre("3", "2", "1"));
  EXPECT_FALSE(read("a:b", {.limit = 3, .reverse = true})->has_more);
}

TEST_F(RedisStoreTest, BehindSomebodysEntryNothingIsStored) {
  (void)server_.ask({"XADD", log_of("a:b"), std::to_string(kStart + 50) + "-7", "of", "somebody"});
  EXPECT_EQ(code_of(append("a:b", "a", "text")), ErrorCode::kUnavailable);
  EXPECT_EQ(code_of(append("a:b", "a", "text", "key")), ErrorCode::kUnavailable);
  EXPECT_EQ(length(log_of("a:b")), 1);
  now_ += 100;
  stored("a:b", "a", "text", "key");
}

TEST_F(RedisStoreTest, WhatIsNoneOfOursIsLeftAlone) {
  (void)server_.ask({"SET", log_of("a:b"), "a string"});
  EXPECT_EQ(code_of(append("a:b", "a", "text")), ErrorCode::kUnavailable);
  EXPECT_EQ(code_of(read("a:b")), ErrorCode::kUnavailable);
  EXPECT_EQ(code_of(append("a:b", "a", "text", "key")), ErrorCode::kUnavailable);
  EXPECT_EQ(server_.ask({"GET", log_of("a:b")}).text, "a string");
  (void)server_.ask({"SET", clock_of("a:c"), "a string"});
  EXPECT_EQ(code_of(append("a:c", "a", "text", "key")), ErrorCode::kUnavailable);
  EXPECT_EQ(length(log_of("a:c")), 0);
  EXPECT_EQ(server_.ask({"GET", clock_of("a:c")}).text, "a string");
}

TEST_F(RedisStoreTest, AnAppendThatMayNotBeDoneLeavesNoKeyBehind) {
  stored("a:b", "a", "before", "before");
  (void)server_.ask({"ACL", "SETUSER", "node", "on", "nopass", "~*", "+@all", "-xadd"});
  redis::ClientOptions node = client_of(server_.endpoint());
  node.user = "node";
  node.password = "any";
  store_ = RedisStoreFixture::open(node, options());
  EXPECT_FALSE(append("a:b", "a", "text", "key"));
  EXPECT_FALSE(append("a:b", "a", "text", "key"));
  (void)server_.ask({"ACL", "SETUSER", "node", "+xadd"});
  stored("a:b", "a", "another", "key");
  EXPECT_THAT(texts("a:b"), ElementsAre("before", "another"));
}

TEST_F(RedisStoreTest, TheNumberOfLanesStaysAsItIs) {
  EXPECT_EQ(server_.ask({"GET", "parley:lanes:{parley:id}"}).text, std::to_string(store_->lanes()));
  store_.reset();
  (void)server_.ask({"FLUSHALL"});
  (void)server_.ask({"SET", "parley:lanes:{parley:id}", "7"});
  store_ = RedisStoreFixture::open(options());
  EXPECT_EQ(store_->lanes(), 7U);
  for (const char* chat : {"a:b", "a:c", "a:d", "e:f"}) stored(chat, std::string(chat, 1), chat);
  store_ = RedisStoreFixture::open(options());
  EXPECT_THAT(texts("e:f"), ElementsAre("e:f"));
}

// A cluster

TEST_F(RedisStoreTest, WhileItsSlotMovesASendIsUnavailableAndNothingIsDoubled) {
  const redis::RedisCluster cluster(3, 0, durable_redis());
  redis::ClientOptions servers{.topology = redis::Topology::kCluster, .servers = cluster.endpoints()};
  store_ = RedisStoreFixture::open(servers, options());
  stored("a:b", "a", "first", "one");
  const int slot = redis::hash_slot(log_of("a:b"));
  int owner = 0;
  while (cluster.node(owner).ask({"EXISTS", log_of("a:b")}).integer != 1) ++owner;  // others say MOVED
  const redis::RedisServer& old = cluster.node(owner);
  const redis::RedisServer& next = cluster.node((owner + 1) % 3);
  redis::RedisCluster::begin_move(slot, old, next);
  stored("a:b", "a", "second");  // all that it needs is still there
  redis::RedisCluster::move_keys(slot, old, next);
  EXPECT_EQ(code_of(append("a:b", "a", "third", "new bucket")), ErrorCode::kUnavailable);
  EXPECT_THAT(metrics_.text(), testing::ContainsRegex("parley_redis_errors_total.error=.TRYAGAIN.. [1-9]"));
  EXPECT_THAT(texts("a:b"), ElementsAre("first", "second"));
  cluster.end_move(slot, next);
  stored("a:b", "a", "third", "new bucket");
  EXPECT_TRUE(append("a:b", "a", "third", "new bucket")->duplicate);
  EXPECT_TRUE(append("a:b", "a", "first", "one")->duplicate);
  EXPECT_THAT(texts("a:b"), ElementsAre("first", "second", "third"));
}

// The keys that say what the store is lie on one server each, and are lost with its data. The lanes say it too.
TEST_F(RedisStoreTest, WhatOneServerOfAClusterLosesIsAsTheLanesSay) {
  const RedisMasters masters;
  redis::ClientOptions servers{.topology = redis::Topology::kCluster, .servers = {masters.endpoint()}};
  const auto holder_of = [&](std::string_view key) -> const redis::RedisServer& {
    return holder_of_slot(masters, key);
  };
  (void)holder_of(kRedisLanesKey).ask({"SET", kRedisLanesKey, "40"});
  store_ = RedisStoreFixture::open(servers, options());
  EXPECT_EQ(store_->lanes(), 40U);
  const redis::RedisServer& with_id = holder_of(kRedisIdKey);
  std::string chat;  // that is not lost
  for (int i = 0; chat.empty() || &holder_of(clock_of(chat)) == &with_id; ++i) chat = "a:b" + std::to_string(i);
  stored(chat, "a", "text", "key");

  (void)holder_of(kRedisFormatKey).ask({"DEL", kRedisFormatKey});
  loops_.turn(RedisIdentity::kPause);
  redis::eventually("a node restores the format",
                    [&] { return holder_of(kRedisFormatKey).ask({"GET", kRedisFormatKey}).text == "2"; });
  store_.reset();
  (void)with_id.ask({"FLUSHALL"});
  store_ = RedisStoreFixture::open(servers, options());
  EXPECT_EQ(store_->lanes(), 40U) << "as many as it had";
  EXPECT_TRUE(append(chat, "a", "text", "key")->duplicate);

  // A store of another format does not become ours.
  (void)holder_of(kRedisFormatKey).ask({"SET", kRedisFormatKey, "3"});
  for (std::size_t lane = 0; lane < 40; ++lane) {
    const std::string clock = redis_key(lane, RedisKey::kClock);
    (void)holder_of(clock).ask({"HSET", clock, "v", "3"});
  }
  loops_.turn(RedisIdentity::kPause);
  redis::eventually("the store takes no writes", [this] { return !ready(); });
  (void)holder_of(kRedisFormatKey).ask({"DEL", kRedisFormatKey});
  loops_.turn(RedisIdentity::kPause);
  redis::eventually("a node restores the format",
                    [&] { return holder_of(kRedisFormatKey).ask({"GET", kRedisFormatKey}).text == "3"; });
  loops_.turn(RedisIdentity::kPause);
  EXPECT_FALSE(ready());
  store_.reset();
  (void)holder_of(kRedisFormatKey).ask({"DEL", kRedisFormatKey});
  const auto refused = try_open(servers, options());
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().detail, HasSubstr("the data have format 3"));
  EXPECT_EQ(holder_of(kRedisFormatKey).ask({"GET", kRedisFormatKey}).text, "3");
}

TEST_F(RedisStoreTest, ALaneOfAnotherStoreIsRefused) {
  stored("a:b", "a", "text");
  const std::string clock = clock_of("a:b");
  (void)server_.ask({"HSET", clock, "l", "17"});
  EXPECT_THAT(refusal(options()), AllOf(HasSubstr(clock), HasSubstr("with \"17\" lanes")));
  loops_.turn(RedisIdentity::kPause);
  redis::eventually("the store takes no writes", [this] { return !ready(); });
  EXPECT_THAT(append("a:c", "a", "text").error().detail, AllOf(HasSubstr(clock), HasSubstr("with \"17\" lanes")));
  (void)server_.ask({"HSET", clock, "l", std::to_string(store_->lanes())});
  loops_.turn(RedisIdentity::kPause);
  redis::eventually("the store takes writes again", [this] { return ready(); });
  (void)server_.ask({"HSET", clock, "i", "another", "v", "3"});
  EXPECT_EQ(code_of(append("a:b", "a", "text")), ErrorCode::kUnavailable);
  loops_.turn(RedisIdentity::kPause);
  redis::eventually("the store takes no writes", [this] { return !ready(); });
  EXPECT_THAT(append("a:c", "a", "text").error().detail, HasSubstr("of format \"3\""));
  (void)server_.ask({"HSET", clock, "v", "2", "l", std::to_string(store_->lanes())});
  loops_.turn(RedisIdentity::kPause);
  redis::eventually("the store takes writes again", [this] { return ready(); });
  stored("a:b", "a", "text");
}

// Servers that do not fit

TEST_F(RedisStoreTest, AnotherFormatIsRefused) {
  (void)server_.ask({"SET", "parley:format", "3"});
  EXPECT_EQ(refusal(options()), "the data have format 3, and this program knows format 2 alone: use a newer program");
  (void)server_.ask({"SET", "parley:format", "1"});
  EXPECT_EQ(refusal(options()),
            "the data have format 1, and this program knows format 2 alone: use an empty database, or the program that "
            "wrote them");
  (void)server_.ask({"SET", "parley:format", "x"});
  EXPECT_THAT(refusal(options()), HasSubstr("parley:format"));
  EXPECT_EQ(server_.ask({"GET", "parley:format"}).text, "x");
}

TEST_F(RedisStoreTest, AFormatThatChangesEndsTheSends) {
  stored("a:b", "a", "before");
  (void)server_.ask({"SET", "parley:format", "3"});
  loops_.turn(RedisIdentity::kPause);
  redis::eventually("the store takes no writes", [this] { return !ready(); });
  const auto refused = append("a:b", "a", "meanwhile");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(refused.error().detail, HasSubstr("the data have format 3"));
  EXPECT_THAT(texts("a:b"), ElementsAre("before"));
  (void)server_.ask({"SET", "parley:format", "2"});
  loops_.turn(RedisIdentity::kPause);
  redis::eventually("the store takes writes again", [this] { return ready(); });
  stored("a:b", "a", "after");
}

TEST_F(RedisStoreTest, AKeyOfTheStoreThatIsNotOursIsRefusedByName) {
  store_.reset();
  for (const char* const key : {"parley:format", "parley:id", "parley:lanes:{parley:id}"}) {
    (void)server_.ask({"DEL", key});
    (void)server_.ask({"RPUSH", key, "somebody's"});
    EXPECT_THAT(refusal(options()), HasSubstr(std::string("the key ") + key + " is no string"));
    (void)server_.ask({"SET", key, ""});
    EXPECT_THAT(refusal(options()), HasSubstr(std::string("the key ") + key + " is empty or gone"));
    (void)server_.ask({"DEL", key});
  }
}

TEST_F(RedisStoreTest, AnIdThatIsReplacedBySomethingElseEndsTheServing) {
  const std::string id = store_->id();
  (void)server_.ask({"DEL", "parley:id"});
  (void)server_.ask({"RPUSH", "parley:id", "somebody's"});
  loops_.turn(RedisIdentity::kPause);
  redis::eventually("the store says why it serves nothing",
                    [this] { return health().why_not.contains("the key parley:id is no string"); });
  EXPECT_FALSE(health().reads);
  EXPECT_EQ(code_of(append("a:b", "a", "text")), ErrorCode::kUnavailable);
  (void)server_.ask({"SET", "parley:id", id});
  redis::eventually("the store is served again", [this] { return ready(); });
}

TEST_F(RedisStoreTest, SettingsThatLoseMessagesAreRefusedByName) {
  StoreOptions os = options();
  os.durability = Durability::kOs;
  set("no-appendfsync-on-rewrite", "yes");
  EXPECT_THAT(refusal(options()), HasSubstr("no-appendfsync-on-rewrite"));
  EXPECT_TRUE(RedisStoreFixture::open(os));
  set("no-appendfsync-on-rewrite", "no");
  set("appendfsync", "everysec");
  EXPECT_THAT(refusal(options()), HasSubstr("appendfsync"));
  EXPECT_TRUE(RedisStoreFixture::open(os));
  set("appendonly", "no");
  EXPECT_THAT(refusal(options()), HasSubstr("appendonly"));
  EXPECT_TRUE(RedisStoreFixture::open(os));
  set("maxmemory-policy", "allkeys-lru");
  EXPECT_THAT(refusal(options()), HasSubstr("maxmemory-policy"));
  EXPECT_THAT(refusal(os), HasSubstr("maxmemory-policy"));
}

TEST_F(RedisStoreTest, WithoutConfigOnlyWhatInfoTellsIsTrusted) {
  StoreOptions os = options();
  os.durability = Durability::kOs;
  (void)server_.ask({"ACL", "SETUSER", "node", "on", "nopass", "~*", "+@all", "-config"});
  redis::ClientOptions node = client_of(server_.endpoint());
  node.user = "node";
  node.password = "any";
  const auto refused = try_open(node, options());
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().detail, HasSubstr("appendfsync is unknown, because the user may not run CONFIG GET"));
  EXPECT_TRUE(RedisStoreFixture::open(node, os));
  set("maxmemory-policy", "volatile-lru");
  const auto evicting = try_open(node, os);
  ASSERT_FALSE(evicting);
  EXPECT_THAT(evicting.error().detail, HasSubstr("maxmemory-policy"));
}

TEST_F(RedisStoreTest, SettingsAreWatched) {
  stored("a:b", "a", "before");
  set("appendfsync", "everysec");
  loops_.turn(RedisIdentity::kPause);
  redis::eventually("the store takes no writes", [this] { return !ready(); });
  const auto refused = append("a:b", "a", "meanwhile");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(refused.error().detail, HasSubstr("appendfsync"));
  EXPECT_THAT(texts("a:b"), ElementsAre("before"));
  EXPECT_THAT(metrics_.text(), HasSubstr("parley_store_writable 0"));
  set("appendfsync", "always");
  loops_.turn(RedisIdentity::kPause);
  redis::eventually("the store takes writes again", [this] { return ready(); });
  stored("a:b", "a", "after");
}

TEST_F(RedisStoreTest, AStopDoesNotWaitForAServerThatDoesNotAnswer) {
  server_.freeze();
  loops_.turn(RedisIdentity::kPause);  // a look begins, which has as long again for each of two questions
  const Deadline begun = loops_.now();
  store_.reset();
  EXPECT_LT(loops_.now() - begun, RedisIdentity::kPause);
  server_.thaw();
}

TEST_F(RedisStoreTest, AServerThatDoesNotAnswerHidesNoOther) {
  const RedisMasters masters;
  redis::ClientOptions servers = client_of(masters.endpoint());
  servers.topology = redis::Topology::kCluster;
  store_ = RedisStoreFixture::open(servers, options());
  for (std::size_t silent : {1U, 2U}) {
    masters.server(silent).freeze();
    EXPECT_EQ(masters.server(0).ask({"CONFIG", "SET", "appendfsync", "everysec"}).text, "OK");
    redis::eventually("the store takes no writes",
                      [this] { return metrics_.text().contains("parley_store_writable 0"); });
    EXPECT_EQ(masters.server(0).ask({"CONFIG", "SET", "appendfsync", "always"}).text, "OK");
    redis::eventually("the store takes writes again",
                      [this] { return metrics_.text().contains("parley_store_writable 1"); });
    masters.server(silent).thaw();
  }
}

TEST_F(RedisStoreTest, WhatARestartedServerTakesWithOtherSettingsIsNotAcknowledged) {
  stored("a:b", "a", "before");
  server_.kill();
  std::ofstream(server_.folder() / "redis.conf", std::ios::app) << "appendfsync everysec\n";
  server_.start();
  for (std::size_t loop = 0; loop < loops_.size(); ++loop) {
    const auto appended = start_append({chat_of("a:b"), "a", "text", ""}, in(std::chrono::seconds(20)), loop).get();
    EXPECT_FALSE(appended);
    EXPECT_THAT(appended.error().detail, HasSubstr("appendfsync")) << appended.error().detail;
  }
  set("appendfsync", "always");
  redis::eventually("the store takes writes again", [this] { return ready(); });
  stored("a:b", "a", "after");
}

TEST_F(RedisStoreTest, AStartSaysWhatReplicasItMisses) {
  redis::ClientOptions servers = client_of(server_.endpoint());
  servers.replicas = 1;
  const auto open = [&] { return open_redis_store(servers, options(), loops_, metrics_, in(std::chrono::seconds(1))); };
  const auto alone = open();
  ASSERT_FALSE(alone);
  EXPECT_EQ(alone.error().detail,
            server_.endpoint().to_string() + ": --redis-replicas is 1, but only 0 replicas confirm");
  const redis::RedisServer replica(durable_redis());
  (void)replica.ask({"REPLICAOF", "127.0.0.1", std::to_string(server_.port())});
  EXPECT_TRUE(RedisStoreFixture::open(servers, options()));  // which waits for it
}

// The server may be one that others use, too.
TEST_F(RedisStoreTest, AStartThatMayNotAskForReplicasRestsBetweenItsTries) {
  (void)server_.ask({"ACL", "SETUSER", "node", "on", "nopass", "~*", "+@all", "-wait"});
  redis::ClientOptions node = client_of(server_.endpoint());
  node.user = "node";
  node.password = "any";
  node.replicas = 1;
  const auto refused = open_redis_store(node, options(), loops_, metrics_, in(std::chrono::seconds(1)));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().detail, HasSubstr("NOPERM"));
  const std::string waits = server_.field({"INFO", "commandstats"}, "cmdstat_wait");
  EXPECT_THAT(waits, testing::ContainsRegex("rejected_calls=[1-9][0-9]?,"));
}

TEST_F(RedisStoreTest, AFullServerTakesNothingAndSaysSo) {
  stored("a:b", "a", "before", "key");
  set("maxmemory", "1");
  EXPECT_EQ(code_of(append("a:b", "a", "more")), ErrorCode::kUnavailable);
  EXPECT_EQ(code_of(append("a:b", "a", "more", "more")), ErrorCode::kUnavailable);
  const auto repeat = append("a:b", "a", "before", "key");
  EXPECT_TRUE(repeat && repeat->duplicate);
  EXPECT_EQ(code_of(append("a:b", "a", "other", "key")), ErrorCode::kIdempotencyConflict);
  EXPECT_THAT(texts("a:b"), ElementsAre("before"));
  set("maxmemory", "0");
  EXPECT_TRUE(append("a:b", "a", "before", "key")->duplicate);
  stored("a:b", "a", "more", "more");
}

TEST_F(RedisStoreTest, AnAnswerWaitsForTheReplicas) {
  redis::RedisServer replica(durable_redis());
  replica.follow(server_);
  redis::ClientOptions servers = client_of(server_.endpoint());
  servers.replicas = 1;
  store_ = RedisStoreFixture::open(servers, options());
  stored("a:b", "a", "1");
  EXPECT_EQ(replica.ask({"XLEN", log_of("a:b")}).integer, 1);
  stored("a:b", "a", "2", "key");
  EXPECT_EQ(replica.ask({"XLEN", log_of("a:b")}).integer, 2);
  replica.freeze();
  const auto late = start_append({chat_of("a:b"), "a", "3", ""}, in(std::chrono::milliseconds(500))).get();
  EXPECT_EQ(code_of(late), ErrorCode::kOutcomeUnknown);
  const auto repeat = start_append({chat_of("a:b"), "a", "2", "key"}, in(std::chrono::milliseconds(500))).get();
  EXPECT_EQ(code_of(repeat), ErrorCode::kOutcomeUnknown);
  replica.thaw();
  EXPECT_TRUE(append("a:b", "a", "2", "key")->duplicate);
  // What a replica confirms is a write: newer servers let WAIT pass after a command that wrote nothing.
  EXPECT_NE(replica.field({"INFO", "commandstats"}, "cmdstat_persist"), "");
  EXPECT_EQ(server_.ask({"PTTL", clock_of("a:b")}).integer, -1);
}

TEST_F(RedisStoreTest, CountsMessagesAndNoOtherRecords) {
  Change change{.chat = chat_of("a:b")};
  change.records.push_back({.kind = RecordKind::kMessage, .sender = "a", .about = 0, .body = "body"});
  change.records.push_back({.kind = RecordKind::kEdit, .sender = "a", .about = 7, .body = "body"});
  ASSERT_TRUE(append(std::move(change)));
  EXPECT_THAT(metrics_.text(), HasSubstr("parley_store_messages_total 1\n"));
}

}  // namespace
}  // namespace parley::store
