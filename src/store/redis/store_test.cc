// What is special about the store in Redis; the contract is in message_store_test.cc, broken links are in
// link_test.cc.
#include "store/redis/store.h"

#include <fstream>

#include <gmock/gmock.h>

#include "redis/client.h"
#include "redis/redis_topology_fixture.h"
#include "store/redis/identity.h"
#include "store/redis/scripts.h"
#include "store/redis/store_fixture.h"

namespace parley::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::int64_t kHour = 3'600'000'000;

class RedisStoreTest : public RedisStoreFixture {
 protected:
  void SetUp() override { store_ = RedisStoreFixture::open(options()); }

  void set(std::string_view name, std::string_view value) {
    EXPECT_EQ(server_.ask({"CONFIG", "SET", name, value}).text, "OK") << name;
  }
  std::int64_t length(std::string_view key) { return server_.ask({"XLEN", key}).integer; }
  std::int64_t keys_in(std::string_view key) { return server_.ask({"HLEN", key}).integer; }
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
    const auto appended = run(node.append({chat_of("a:b"), "a", expected.back(), ""}, kNoDeadline));
    ASSERT_TRUE(appended) << appended.error().detail;
    times.push_back(appended->send_time);
  }
  for (std::size_t i = 1; i < times.size(); ++i) EXPECT_LT(times[i - 1], times[i]);
  EXPECT_EQ(texts("a:b"), expected);
  EXPECT_THAT(metrics_.text(), HasSubstr("parley_store_times_refused_total"));
}

TEST_F(RedisStoreTest, ConcurrentSendsOfSeveralNodesGetTimesOfTheirOwn) {
  StoreOptions behind = options();
  behind.clock = [this] { return now_.load() - kHour; };
  const auto other = RedisStoreFixture::open(behind);
  std::vector<std::future<Result<Appended>>> pending;
  for (std::size_t i = 0; i < 200; ++i) {
    MessageStore& node = i % 2 == 0 ? *store_ : *other;
    const std::string key = i % 5 == 0 ? "key" + std::to_string(i) : "";
    pending.push_back(start(node.append({chat_of("a:b"), "a", "text", key}, kNoDeadline), i % loops_.size()));
  }
  std::set<std::int64_t> times;
  for (auto& one : pending) times.insert(one.get()->send_time);
  EXPECT_EQ(times.size(), 200U);
  EXPECT_EQ(texts("a:b").size(), 200U);
}

TEST_F(RedisStoreTest, AKeyHoldsOnEveryNode) {
  const auto other = RedisStoreFixture::open(options());
  const std::int64_t time = stored("a:b", "a", "text", "key");
  const auto repeat = run(other->append({chat_of("a:b"), "a", "text", "key"}, kNoDeadline));
  ASSERT_TRUE(repeat);
  EXPECT_TRUE(repeat->duplicate);
  EXPECT_EQ(repeat->send_time, time);
  EXPECT_EQ(code_of(run(other->append({chat_of("a:b"), "a", "other", "key"}, kNoDeadline))),
            ErrorCode::kIdempotencyConflict);
  EXPECT_EQ(other->id(), store_->id());
}

TEST_F(RedisStoreTest, AKeyThatWasTakenAnewStandsForTheLaterMessageOnEveryNode) {
  StoreOptions behind = options();
  behind.clock = [this] { return now_.load() - kHour; };
  const auto other = RedisStoreFixture::open(behind);
  ASSERT_TRUE(run(other->append({chat_of("a:b"), "a", "first", "key"}, kNoDeadline)));
  (void)server_.ask({"PEXPIRE", "parley:{ca:b}k", std::to_string(24 * 3'600'000)});  // it is the old generation now
  now_ += 24 * kHour - kHour / 2;  // the window has passed for the one node, and not for the other
  const std::int64_t later = stored("a:b", "a", "second", "key");
  const auto repeat = run(other->append({chat_of("a:b"), "a", "second", "key"}, kNoDeadline));
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

TEST_F(RedisStoreTest, AnEntryIsItsTimeItsSenderAndItsText) {
  const std::int64_t time = stored("a:b", "b", "text");
  stored("a:b", "a", "keyed", "key");
  const auto entries = server_.ask({"XRANGE", "parley:{ca:b}", "-", "+"}).elements;
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].elements[0].text, std::to_string(time) + "-0");
  const auto& plain = entries[0].elements[1].elements;
  EXPECT_EQ(plain[1].text.size(), 9U);
  EXPECT_EQ(plain[1].text[0], '1');
  EXPECT_EQ(plain[3].text, "text");
  EXPECT_EQ(entries[1].elements[1].elements[1].text, "0");
}

TEST_F(RedisStoreTest, EntriesOfAnotherKindAreSkipped) {
  stored("a:b", "a", "1");
  for (int i = 1; i <= 40; ++i) {
    (void)server_.ask({"XADD", "parley:{ca:b}", std::to_string(kStart + i) + "-0", "edit", "of something"});
  }
  (void)server_.ask({"XADD", "parley:{ca:b}", std::to_string(kStart + 50) + "-7", "s", "0", "t", "no time of ours"});
  now_ += 100;
  stored("a:b", "a", "2");
  stored("a:b", "a", "3");
  EXPECT_THAT(texts("a:b"), ElementsAre("1", "2", "3"));
  const auto page = read("a:b", {.limit = 2});
  ASSERT_TRUE(page);
  EXPECT_EQ(page->messages.size(), 2U);
  EXPECT_TRUE(page->has_more);
  EXPECT_THAT(texts("a:b", {.limit = 3, .reverse = true}), ElementsAre("3", "2", "1"));
  EXPECT_FALSE(read("a:b", {.limit = 3, .reverse = true})->has_more);
}

TEST_F(RedisStoreTest, TimesGoOnAboveWhateverIsThere) {
  (void)server_.ask({"XADD", "parley:{ca:b}", std::to_string(kStart + 50) + "-7", "of", "somebody"});
  EXPECT_EQ(stored("a:b", "a", "text"), kStart + 51);
  (void)server_.ask({"XADD", "parley:{ca:c}", "18446744073709551614-0", "of", "somebody"});
  EXPECT_EQ(code_of(append("a:c", "a", "text")), ErrorCode::kUnavailable);
  EXPECT_EQ(code_of(append("a:c", "a", "text", "key")), ErrorCode::kUnavailable);
  EXPECT_EQ(length("parley:{ca:c}"), 1);
  EXPECT_EQ(keys_in("parley:{ca:c}k"), 0);
}

TEST_F(RedisStoreTest, KeysOfAnIdleChatGoAway) {
  stored("a:b", "a", "text", "key");
  const std::int64_t left = server_.ask({"PTTL", "parley:{ca:b}k"}).integer;
  const std::int64_t window = 24 * 3'600'000;
  EXPECT_GT(left, 2 * window);
  EXPECT_LT(left, 2 * window + 300'000);
  EXPECT_EQ(server_.ask({"PTTL", "parley:{ca:b}"}).integer, -1);
}

TEST_F(RedisStoreTest, AKeyOutlastsWhatMayBeExecutedLate) {
  StoreOptions brief = options();
  brief.idempotency_window = std::chrono::seconds(1);
  store_ = RedisStoreFixture::open(brief);
  stored("a:b", "a", "text", "key");
  EXPECT_GT(server_.ask({"PTTL", "parley:{ca:b}k"}).integer, 10 * 60'000);
}

TEST_F(RedisStoreTest, AGenerationOfKeysIsReadForAnotherWindow) {
  const std::int64_t first = stored("a:b", "a", "1", "first");
  const std::string a_window = std::to_string(24 * 3'600'000);
  (void)server_.ask({"PEXPIRE", "parley:{ca:b}k", a_window});  // as if it had been made a window ago
  stored("a:b", "a", "2", "second");
  EXPECT_EQ(keys_in("parley:{ca:b}p"), 1);
  EXPECT_EQ(keys_in("parley:{ca:b}k"), 1);
  EXPECT_EQ(append("a:b", "a", "1", "first")->send_time, first);
  EXPECT_TRUE(append("a:b", "a", "2", "second")->duplicate);
  (void)server_.ask({"PEXPIRE", "parley:{ca:b}k", a_window});
  stored("a:b", "a", "3", "third");
  EXPECT_TRUE(append("a:b", "a", "2", "second")->duplicate);
  EXPECT_EQ(texts("a:b").size(), 3U);
}

TEST_F(RedisStoreTest, WhatIsNoneOfOursIsLeftAlone) {
  (void)server_.ask({"SET", "parley:{ca:b}", "a string"});
  (void)server_.ask({"SET", "parley:{ca:c}k", "a string"});
  EXPECT_EQ(code_of(append("a:b", "a", "text")), ErrorCode::kUnavailable);
  EXPECT_EQ(code_of(read("a:b")), ErrorCode::kUnavailable);
  EXPECT_EQ(code_of(append("a:b", "a", "text", "key")), ErrorCode::kUnavailable);
  EXPECT_EQ(code_of(append("a:c", "a", "text", "key")), ErrorCode::kUnavailable);
  EXPECT_EQ(length("parley:{ca:c}"), 0);
  EXPECT_EQ(keys_in("parley:{ca:b}k"), 0);
  EXPECT_EQ(server_.ask({"GET", "parley:{ca:b}"}).text, "a string");
}

TEST_F(RedisStoreTest, AnAppendThatFailsHalfwayLeavesNoKeyBehind) {
  (void)server_.ask({"XADD", "parley:{ca:b}", std::to_string(kStart + 50) + "-0", "of", "somebody"});
  (void)server_.ask({"ACL", "SETUSER", "node", "on", "nopass", "~*", "+@all", "-xinfo"});
  redis::ClientOptions node = client_of(server_.endpoint());
  node.user = "node";
  node.password = "any";
  store_ = RedisStoreFixture::open(node, options());
  EXPECT_FALSE(append("a:b", "a", "text", "key"));
  EXPECT_FALSE(append("a:b", "a", "text", "key"));
  EXPECT_EQ(keys_in("parley:{ca:b}k"), 0);
}

TEST_F(RedisStoreTest, OnlyTheVeryEntryIsSettled) {
  const std::int64_t time = stored("a:b", "a", "text");
  const std::string id = std::to_string(time) + "-0";
  const std::string sender =
      server_.ask({"XRANGE", "parley:{ca:b}", id, id}).elements.at(0).elements.at(1).elements.at(1).text;
  const redis::Script script =
      make_append_script({.window = std::chrono::hours(1), .takes = std::chrono::hours(1), .confirm = true});
  std::int64_t next = time;
  const auto append = [&](const std::string& stream, const std::string& lost, const std::string& who) {
    ++next;
    const std::string record = std::string("\0\0\0\0\0\0\0\1", 8) + std::string(16, 't');
    const auto reply = server_.ask({"EVAL", script.source(), "3", stream, stream + "r", stream + "q", who, record,
                                    std::to_string(next) + "-0", who, "text", "1", lost});
    return read_append_answer(reply, next);
  };
  const auto settled = append("parley:{ca:b}", id, sender);
  ASSERT_TRUE(settled);
  EXPECT_EQ(settled->how, RedisAppend::kRepeated);
  EXPECT_EQ(settled->time, time);
  EXPECT_NE(server_.field({"INFO", "commandstats"}, "cmdstat_persist"), "");  // replicas have a write to confirm
  EXPECT_EQ(server_.ask({"PTTL", "parley:{ca:b}"}).integer, -1);              // which changes nothing
  EXPECT_EQ(append("parley:{ca:b}", id, "0another")->how, RedisAppend::kStored);
  EXPECT_EQ(append("parley:{ca:b}", "1-0", sender)->how, RedisAppend::kStored);
  EXPECT_EQ(append("parley:{ca:c}", id, sender)->how, RedisAppend::kStored);
  EXPECT_EQ(length("parley:{ca:b}"), 3);
}

// A cluster

TEST_F(RedisStoreTest, WhileItsSlotMovesAKeyedSendIsUnavailableAndNothingIsDoubled) {
  const redis::RedisCluster cluster(3, 0, durable_redis());
  redis::ClientOptions servers{.topology = redis::Topology::kCluster, .servers = cluster.endpoints()};
  store_ = RedisStoreFixture::open(servers, options());
  stored("a:b", "a", "first", "one");
  const int slot = redis::hash_slot("parley:{ca:b}");
  int owner = 0;
  while (cluster.node(owner).ask({"EXISTS", "parley:{ca:b}"}).integer != 1) ++owner;  // others say MOVED
  const redis::RedisServer& old = cluster.node(owner);
  const redis::RedisServer& next = cluster.node((owner + 1) % 3);
  redis::RedisCluster::begin_move(slot, old, next);
  EXPECT_EQ(code_of(append("a:b", "a", "second", "two")), ErrorCode::kUnavailable);
  stored("a:b", "a", "third");
  redis::RedisCluster::move_keys(slot, old, next);
  EXPECT_EQ(code_of(append("a:b", "a", "second", "two")), ErrorCode::kUnavailable);
  EXPECT_THAT(metrics_.text(), testing::ContainsRegex("parley_redis_errors_total.error=.TRYAGAIN.. [1-9]"));
  cluster.end_move(slot, next);
  stored("a:b", "a", "second", "two");
  EXPECT_TRUE(append("a:b", "a", "second", "two")->duplicate);
  EXPECT_TRUE(append("a:b", "a", "first", "one")->duplicate);
  EXPECT_THAT(texts("a:b"), ElementsAre("first", "third", "second"));
}

// Servers that do not fit

TEST_F(RedisStoreTest, ANewerFormatIsRefused) {
  (void)server_.ask({"SET", "parley:format", "2"});
  EXPECT_THAT(refusal(options()), HasSubstr("newer program"));
  (void)server_.ask({"SET", "parley:format", "x"});
  EXPECT_THAT(refusal(options()), HasSubstr("parley:format"));
  EXPECT_EQ(server_.ask({"GET", "parley:format"}).text, "x");
}

TEST_F(RedisStoreTest, AKeyOfTheStoreThatIsNotOursIsRefusedByName) {
  store_.reset();
  for (const char* const key : {"parley:id", "parley:format"}) {
    (void)server_.ask({"DEL", key});
    (void)server_.ask({"RPUSH", key, "somebody's"});
    EXPECT_THAT(refusal(options()), HasSubstr(std::string("the key ") + key + " is no string"));
    (void)server_.ask({"SET", key, ""});
    EXPECT_THAT(refusal(options()), HasSubstr(std::string("the key ") + key + " is empty"));
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
  (void)replica.ask({"REPLICAOF", "127.0.0.1", std::to_string(server_.port())});
  redis::eventually("the replica follows",
                    [&] { return replica.field({"INFO", "replication"}, "master_link_status") == "up"; });
  redis::ClientOptions servers = client_of(server_.endpoint());
  servers.replicas = 1;
  store_ = RedisStoreFixture::open(servers, options());
  stored("a:b", "a", "1");
  EXPECT_EQ(replica.ask({"XLEN", "parley:{ca:b}"}).integer, 1);
  stored("a:b", "a", "2", "key");
  EXPECT_EQ(replica.ask({"XLEN", "parley:{ca:b}"}).integer, 2);
  replica.freeze();
  const auto late = start_append({chat_of("a:b"), "a", "3", ""}, in(std::chrono::milliseconds(500))).get();
  EXPECT_EQ(code_of(late), ErrorCode::kOutcomeUnknown);
  const auto repeat = start_append({chat_of("a:b"), "a", "2", "key"}, in(std::chrono::milliseconds(500))).get();
  EXPECT_EQ(code_of(repeat), ErrorCode::kOutcomeUnknown);
  replica.thaw();
  EXPECT_TRUE(append("a:b", "a", "2", "key")->duplicate);
  // What a replica confirms is a write: newer servers let WAIT pass after a command that wrote nothing.
  EXPECT_NE(replica.field({"INFO", "commandstats"}, "cmdstat_persist"), "");
  EXPECT_EQ(server_.ask({"PTTL", "parley:{ca:b}"}).integer, -1);
}

}  // namespace
}  // namespace parley::store
