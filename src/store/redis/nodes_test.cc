// Several nodes over one store in Redis, whose clocks are hours apart and whose links break.
#include <filesystem>
#include <map>
#include <random>
#include <set>
#include <tuple>

#include <gmock/gmock.h>

#include "redis/redis_topology_fixture.h"
#include "store/redis/breaking_link.h"
#include "store/redis/lanes.h"
#include "store/redis/store_fixture.h"

namespace parley::store {
namespace {

using If = RowWrite::If;

constexpr std::int64_t kMinute = 60'000'000;
constexpr std::int64_t kHour = 60 * kMinute;

class RedisNodesTest : public RedisStoreFixture {
 protected:
  static constexpr std::size_t kNodes = 3;

  struct Node {
    explicit Node(std::uint16_t server) : link(server) {}
    BreakingLink link;
    std::atomic<std::int64_t> clock{kStart};
    std::unique_ptr<MessageStore> store{};
  };

  ~RedisNodesTest() override {
    for (const auto& node : nodes_) node->store.reset();  // before the loops
  }

  void open_nodes(std::size_t replicas = 0) {
    for (std::size_t i = 0; i < kNodes; ++i) {
      Node& node = *nodes_.emplace_back(std::make_unique<Node>(server_.port()));
      StoreOptions with = options();
      with.clock = [&node] { return node.clock.load(); };
      redis::ClientOptions servers = client_of(node.link.endpoint());
      servers.replicas = replicas;
      node.store = RedisStoreFixture::open(servers, with);
    }
    store_ = RedisStoreFixture::open(options());  // who looks
  }
  MessageStore& store(std::size_t node) { return *nodes_.at(node)->store; }

  Change message(const std::string& chat, const std::string& text) {
    return change_of({chat_of(chat), std::string(chat_of(chat).first()), text, ""});
  }

  /// Over servers that are no fixture's, without links that break.
  void open_nodes_over(const redis::ClientOptions& servers) {
    for (std::size_t i = 0; i < kNodes; ++i) {
      Node& node = *nodes_.emplace_back(std::make_unique<Node>(server_.port()));
      StoreOptions with = options();
      with.clock = [&node] { return node.clock.load(); };
      node.store = RedisStoreFixture::open(servers, with);
    }
    store_ = RedisStoreFixture::open(servers, options());
  }

  /// The clock of one node goes on for minutes, or jumps by hours.
  Node& turn_a_clock() {
    Node& node = *nodes_[random_() % kNodes];
    if (random_() % 3 != 0) {
      node.clock += static_cast<std::int64_t>(random_() % 8) * kMinute;
    } else {
      node.clock = kStart + static_cast<std::int64_t>(random_() % 6) * kHour - 3 * kHour;
    }
    return node;
  }
  /// Chats that share two lanes, so that one moves the other's clock.
  [[nodiscard]] std::vector<std::string> neighbours(std::size_t count) const {
    std::vector<std::string> out;
    for (int i = 0; out.size() < count; ++i) {
      std::string chat = "a:b" + std::to_string(i);
      if (store_->lane_of(chat) < 2) out.push_back(std::move(chat));
    }
    return out;
  }

  /// Every record that can be seen has its rows: of its audience, and of who follows its lane.
  void expect_rows(const std::map<std::string, std::set<std::string>>& audiences) {
    for (const auto& [chat, audience] : audiences) {
      const auto newest = run(store_->read(chat_of(chat), {{.limit = 1, .reverse = true}, true}, kNoDeadline));
      if (!newest || newest->records.empty()) continue;
      const std::int64_t time = newest->records.front().time;
      std::set<std::string> users = audience;
      users.insert(follower_of(store_->lane_of(chat)));
      for (const std::string& user : users) {
        std::int64_t row = 0;
        for (const IndexRow& each : whole_index(user)) {
          if (each.chat == chat) row = each.time;
        }
        ASSERT_GE(row, time - kIndexGrain) << user << " of " << chat;
      }
    }
  }

  std::vector<std::unique_ptr<Node>> nodes_;
  std::mt19937 random_{11};
};

TEST_F(RedisNodesTest, WhateverTheClocksDoTheIndexIsAGrainBelowAtMost) {
  open_nodes();
  const std::vector<std::string> chats = neighbours(12);
  std::map<std::string, std::set<std::string>> audiences;
  std::size_t stored = 0;
  for (int round = 0; round < 200; ++round) {
    turn_a_clock();
    std::vector<std::future<Result<Appended>>> pending;
    for (unsigned i = random_() % 8; i < 8; ++i) {
      const std::string& chat = chats[random_() % chats.size()];
      Change change = message(chat, "text");
      audiences[chat].insert({std::string(change.chat.first()), std::string(change.chat.second())});
      pending.push_back(
          start(store(random_() % kNodes).append(std::move(change), kNoDeadline), random_() % loops_.size()));
    }
    for (auto& one : pending) {
      const auto appended = one.get();
      ASSERT_TRUE(appended) << appended.error().detail;
      ++stored;
    }
    if (round % 2 == 0) ASSERT_NO_FATAL_FAILURE(expect_rows(audiences));
  }
  ASSERT_NO_FATAL_FAILURE(expect_rows(audiences));
  std::size_t found = 0;
  for (const std::string& chat : chats) found += records(chat).size();
  EXPECT_EQ(found, stored);
}

TEST_F(RedisNodesTest, AlsoIfAnswersAreCut) {
  open_nodes();
  const std::vector<std::string> chats = neighbours(4);
  std::map<std::string, std::set<std::string>> audiences;
  for (const std::string& chat : chats) audiences[chat] = {"a", chat.substr(2)};
  std::map<std::string, std::vector<std::string>> sent;
  std::set<std::string> unknown;
  int count = 0;
  for (int round = 0; round < 80; ++round) {
    Node& node = turn_a_clock();
    const bool answer = random_() % 2 == 0;
    if (answer) {
      node.link.break_answer(static_cast<std::int64_t>(random_() % 120));
    } else {
      node.link.break_question(static_cast<std::int64_t>(random_() % 600));
    }
    for (const std::string& chat : {chats[random_() % 4], chats[random_() % 4]}) {
      const std::string text = "text " + std::to_string(++count);
      const auto appended = run(node.store->append(message(chat, text), in(std::chrono::seconds(30))), random_() % 2);
      if (appended) {
        sent[chat].push_back(text);
      } else {
        // If the lane was ahead of the node, what was cut is not tried again with higher rows.
        ASSERT_EQ(appended.error().code, ErrorCode::kOutcomeUnknown) << appended.error().detail;
        unknown.insert(text);
      }
    }
    node.link.break_answer(-1);
    node.link.break_question(-1);
    if (round % 4 == 0) ASSERT_NO_FATAL_FAILURE(expect_rows(audiences));
  }
  EXPECT_LT(unknown.size(), 40U);
  for (const std::string& chat : chats) {
    std::vector<std::string> there = texts(chat);
    EXPECT_EQ(std::set(there.begin(), there.end()).size(), there.size()) << chat;
    std::erase_if(there, [&](const std::string& text) { return unknown.contains(text); });
    EXPECT_EQ(there, sent[chat]) << chat;
  }
}

TEST_F(RedisNodesTest, AConditionalWriteWhoseAnswerIsCutIsDoneOnce) {
  open_nodes();
  Node& node = *nodes_[0];
  const TableId table{TableId::Of::kUser, "a"};
  std::string value = "0";
  ASSERT_TRUE(run(node.store->write(table, {{"n", value, If::kAbsent}}, kNoDeadline)));
  for (std::int64_t at = 0; at == 0 || node.link.broke(); ++at) {
    const std::string next = std::to_string(at + 1);
    node.link.break_answer(at);
    const auto written = run(node.store->write(table, {{"n", next, If::kEquals, value}}, in(std::chrono::seconds(30))));
    ASSERT_TRUE(written) << at << ": " << written.error().detail;
    EXPECT_FALSE(written->refused) << at << ": it was this very write that changed the row";
    value = next;
    ASSERT_EQ(all_rows(table).at(0).value, value);
    ASSERT_LT(at, 1000);
  }
  // By a node whose link has not just been broken: after a lost answer it would not know.
  const auto refused = run(nodes_[1]->store->write(table, {{"n", "x", If::kEquals, "0"}}, kNoDeadline));
  ASSERT_TRUE(refused) << refused.error().detail;
  EXPECT_TRUE(refused->refused);
}

TEST_F(RedisNodesTest, ARecordWithAConditionWhoseAnswerIsCutIsStoredOnce) {
  open_nodes();
  Node& node = *nodes_[0];
  const TableId table{TableId::Of::kChat, "a:b"};
  std::string value;
  std::vector<std::string> sent;
  for (std::int64_t at = 0; at == 0 || node.link.broke(); at += 3) {
    const std::string next = std::to_string(at + 1);
    Change change = message("a:b", next);
    change.rows.push_back({"n", next, value.empty() ? If::kAbsent : If::kEquals, value});
    node.link.break_answer(at);
    const auto appended = run(node.store->append(std::move(change), in(std::chrono::seconds(30))));
    ASSERT_TRUE(appended) << at << ": " << appended.error().detail;
    EXPECT_FALSE(appended->refused) << at;
    EXPECT_FALSE(appended->duplicate) << at;
    value = next;
    sent.push_back(next);
    ASSERT_EQ(all_rows(table).at(0).value, value);
    ASSERT_LT(at, 1000);
  }
  node.link.break_answer(-1);
  EXPECT_EQ(texts("a:b"), sent);
}

TEST_F(RedisNodesTest, ALateWriteChangesNothing) {
  open_nodes();
  Node& node = *nodes_[0];
  const TableId table{TableId::Of::kUser, "a"};
  ASSERT_TRUE(run(node.store->write(table, {{"n", "1"}}, kNoDeadline)));
  node.link.keep_question();
  const auto written = run(node.store->write(table, {{"n", "2"}}, in(std::chrono::seconds(30))));
  ASSERT_TRUE(written) << written.error().detail;
  ASSERT_TRUE(node.link.broke());
  ASSERT_TRUE(run(nodes_[1]->store->write(table, {{"n", "3"}}, kNoDeadline)));
  node.link.deliver();
  EXPECT_EQ(all_rows(table).at(0).value, "3");
}

// The index rows of what waits were raised in a store that is gone by the time that Redis takes it.
TEST_F(RedisNodesTest, WhatWaitsWhenRedisLosesItsDataIsNotStoredWithoutItsRows) {
  open_nodes();
  const std::string chat = neighbours(1).front();
  ASSERT_TRUE(run(store(0).append(message(chat, "before"), kNoDeadline)));
  server_.freeze();
  std::vector<std::future<Result<Appended>>> pending;
  for (int i = 0; i < 10; ++i) {
    pending.push_back(start(store(0).append(message(chat, std::to_string(i)), in(std::chrono::seconds(30)))));
    net::run_on(loops_[0], [] {});  // the next one has a turn of its own
  }
  server_.kill();
  std::filesystem::remove_all(server_.folder() / "appendonlydir");
  server_.start();
  for (auto& one : pending) EXPECT_FALSE(one.get()) << "it is acknowledged in a store that does not have its rows";
  EXPECT_THAT(server_.ask({"KEYS", "parley:*:l*"}).elements, testing::IsEmpty());
  redis::eventually("the new store is used",
                    [&] { return run(store(0).append(message(chat, "new"), kNoDeadline)).has_value(); });
  store_.reset();
  store_ = RedisStoreFixture::open(options());
  expect_rows({{chat, {"a", chat.substr(2)}}});
  EXPECT_THAT(texts(chat), testing::ElementsAre("new"));
}

// Nobody notices, since no connection breaks.
TEST_F(RedisNodesTest, NothingIsStoredWithoutItsRowsWhenTheDataAreFlushed) {
  open_nodes();
  const std::string chat = neighbours(1).front();
  ASSERT_TRUE(run(store(0).append(message(chat, "before"), kNoDeadline)));
  (void)server_.ask({"FLUSHALL"});
  EXPECT_FALSE(run(store(0).append(message(chat, "lost"), kNoDeadline)));
  EXPECT_THAT(server_.ask({"KEYS", "parley:*:l*"}).elements, testing::IsEmpty());
  redis::eventually("the new store is used",
                    [&] { return run(store(0).append(message(chat, "new"), kNoDeadline)).has_value(); });
  store_.reset();
  store_ = RedisStoreFixture::open(options());
  expect_rows({{chat, {"a", chat.substr(2)}}});
}

TEST_F(RedisNodesTest, ConditionalWritesOfManyNodesAreOneAfterTheOther) {
  open_nodes();
  const TableId table{TableId::Of::kUser, "a"};
  std::size_t done = 0;
  for (int round = 0; round < 60; ++round) {
    const std::string before = all_rows(table).empty() ? "" : all_rows(table).at(0).value;
    const std::string after = std::to_string(round);
    std::vector<std::future<Result<Written>>> pending;
    for (std::size_t i = 0; i < kNodes; ++i) {
      nodes_[i]->clock = kStart + static_cast<std::int64_t>(random_() % 4) * kHour;
      pending.push_back(start(
          store(i).write(table,
                         {{"n", after + "/" + std::to_string(i), before.empty() ? If::kAbsent : If::kEquals, before}},
                         kNoDeadline),
          i % loops_.size()));
    }
    std::size_t written = 0;
    for (auto& one : pending) {
      const auto answer = one.get();
      ASSERT_TRUE(answer) << answer.error().detail;
      written += answer->refused ? 0 : 1;
    }
    ASSERT_EQ(written, 1U) << round;
    ++done;
  }
  EXPECT_EQ(done, 60U);
}

TEST_F(RedisNodesTest, WhatAReplicaHasOfAChatItHasOfTheIndex) {
  const redis::RedisServer replica(durable_redis());
  replica.follow(server_);
  open_nodes(1);
  const std::vector<std::string> chats = neighbours(5);
  for (int round = 0; round < 60; ++round) {
    turn_a_clock();
    const std::size_t by = random_() % kNodes;
    const std::string& chat = chats[random_() % chats.size()];
    const auto appended = run(store(by).append(message(chat, "text"), kNoDeadline), random_() % loops_.size());
    ASSERT_TRUE(appended) << appended.error().detail;
    const auto row = [&](const std::string& user) {
      const std::string key = redis_key(redis_lane_of_index(user, store_->lanes()), RedisKey::kIndex, user);
      const std::string score = replica.ask({"ZSCORE", key, chat}).text;
      return score.empty() ? 0 : std::stoll(score);
    };
    for (const std::string& user : {std::string("a"), chat.substr(2), follower_of(store_->lane_of(chat))}) {
      EXPECT_GE(row(user), appended->send_time - kIndexGrain) << user << " of " << chat;
    }
  }
}

TEST_F(RedisNodesTest, ClocksAreConfirmedAndTellAll) {
  const redis::RedisServer replica(durable_redis());
  replica.follow(server_);
  open_nodes(1);
  const std::vector<std::string> chats = neighbours(5);
  std::vector<std::int64_t> before(store_->lanes());
  for (int round = 0; round < 40; ++round) {
    turn_a_clock();
    const std::size_t by = random_() % kNodes;
    const std::string& chat = chats[random_() % chats.size()];
    const auto appended = run(store(by).append(message(chat, "text"), kNoDeadline));
    ASSERT_TRUE(appended) << appended.error().detail;
    const std::size_t lane = store_->lane_of(chat);
    for (const Clocks which : {Clocks::kKnown, Clocks::kNewest}) {
      const auto clocks = run(store(random_() % kNodes).clocks(which, kNoDeadline));
      ASSERT_TRUE(clocks) << clocks.error().detail;
      EXPECT_GE(clocks->at(lane), appended->send_time);
      for (std::size_t i = 0; i < before.size(); ++i) EXPECT_GE(clocks->at(i), before[i]);
      before = *clocks;
    }
    const std::string there = replica.ask({"HGET", redis_key(lane, RedisKey::kClock), "t"}).text;
    EXPECT_GE(std::stoll(there), before[lane]);
  }
}

TEST_F(RedisNodesTest, AFailoverLosesNothingOfWhatWasConfirmed) {
  const redis::RedisSentinels servers(2, 1, durable_redis());
  redis::ClientOptions options = client_of(servers.sentinels().front()->endpoint());
  options.topology = redis::Topology::kSentinel;
  options.master = "mymaster";
  options.replicas = 2;  // all: the one that is promoted has what was confirmed
  options.patience = std::chrono::seconds(20);
  open_nodes_over(options);
  const std::vector<std::string> chats = neighbours(6);
  std::map<std::string, std::set<std::string>> audiences;
  for (const std::string& chat : chats) audiences[chat] = {"a", chat.substr(2)};
  std::map<std::string, std::set<std::int64_t>> acknowledged;
  const auto send = [&](int rounds) {
    std::vector<std::pair<std::string, std::future<Result<Appended>>>> pending;
    for (int round = 0; round < rounds; ++round) {
      turn_a_clock();
      const std::string& chat = chats[random_() % chats.size()];
      pending.emplace_back(chat,
                           start(store(random_() % kNodes).append(message(chat, "text"), in(std::chrono::seconds(30))),
                                 random_() % loops_.size()));
    }
    return pending;
  };
  const auto await = [&](auto pending) {
    for (auto& [chat, one] : pending) {
      if (const auto appended = one.get()) acknowledged[chat].insert(appended->send_time);
    }
  };
  await(send(100));
  const auto before = run(store_->clocks(Clocks::kNewest, kNoDeadline));
  ASSERT_TRUE(before) << before.error().detail;
  // No other failover comes by itself while the machine is busy.
  (void)servers.sentinels().front()->ask({"SENTINEL", "SET", "mymaster", "down-after-milliseconds", "120000"});
  auto pending = send(100);
  const auto fail_over = [&] { (void)servers.sentinels().front()->ask({"SENTINEL", "FAILOVER", "mymaster"}); };
  fail_over();
  auto later = send(100);
  const redis::RedisServer& before_it = *servers.servers().front();
  redis::eventually("another server is the master", [&] {
    if (&servers.master() != &before_it) return true;
    fail_over();  // a sentinel that has not heard of the replica lately refuses
    return false;
  });
  (void)before_it.ask({"REPLICAOF", "127.0.0.1", std::to_string(servers.master().port())});  // sooner than it would be
  await(std::move(pending));
  await(std::move(later));
  ASSERT_NO_FATAL_FAILURE(expect_rows(audiences));
  const auto after = run(store_->clocks(Clocks::kNewest, kNoDeadline));
  ASSERT_TRUE(after) << after.error().detail;
  for (std::size_t lane = 0; lane < after->size(); ++lane) EXPECT_GE(after->at(lane), before->at(lane)) << lane;
  std::size_t count = 0;
  for (const std::string& chat : chats) {
    std::set<std::int64_t> there;
    for (const Record& record : records(chat)) there.insert(record.time);
    EXPECT_TRUE(std::ranges::includes(there, acknowledged[chat])) << chat;
    count += acknowledged[chat].size();
  }
  EXPECT_GT(count, 200U);
}

}  // namespace
}  // namespace parley::store
