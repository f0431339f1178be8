// What becomes of a batch: on a real server, and where Redis fails over in the middle, by a server that does as it is
// told.
#include "store/redis/steps.h"

#include <atomic>
#include <memory>
#include <numeric>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "redis/fake_redis.h"
#include "store/message_store.h"
#include "store/redis/lane_ids.h"
#include "store/redis/lanes.h"
#include "store/redis/parts_fixture.h"
#include "store/redis/tables.h"

namespace parley::store {
namespace {

using redis::FakeConnection;
using testing::ElementsAre;
using How = RedisDone::How;

constexpr std::int64_t kStart = 1'700'000'000'000'000;
constexpr std::size_t kLane = 3;

std::string log_of(std::string_view chat) { return redis_key(kLane, RedisKey::kLog, chat); }

RedisItem item(std::string record, std::string_view chat = "a:b") {
  RedisItem out{.lane = kLane, .limit = kStart + kIndexGrain, .chat = std::string(chat), .log = log_of(chat)};
  out.records.push_back(std::move(record));
  return out;
}
/// Whose key is `key`.
RedisItem keyed(std::string record, const std::string& key, std::string_view chat = "a:b") {
  RedisItem out = item(std::move(record), chat);
  out.print = std::string(15, 'p') + std::to_string(std::hash<std::string>{}(key) % 10);
  out.print.replace(0, 2, key.substr(0, 2));
  return out;
}
RedisItem with_row(RedisItem to, RowWrite row) {
  to.table = redis_key(kLane, RedisKey::kChatTable, "a:b");
  to.rows = redis_row_arguments(std::vector{std::move(row)});
  return to;
}

/// What both kinds of servers have in common.
template <class Fixture>
class StepsOn : public Fixture {
 protected:
  void make_steps(std::chrono::microseconds window = std::chrono::hours(24)) {
    steps_.reset();
    StoreOptions options;
    options.clock = [this] { return now_.load(); };
    options.idempotency_window = window;
    steps_ = std::make_unique<RedisSteps>(*this->client_, identity(), *clocks_, bell_, options, *metrics_of_store_,
                                          this->loops_, true);
  }
  void make_parts() {
    clocks_ = std::make_unique<RedisClocks>(*this->client_, identity(), this->loops_, true);
    make_steps();
  }
  void end_parts() {
    this->client_->stop();
    steps_.reset();
    clocks_.reset();
  }
  virtual RedisIdentity& identity() = 0;

  /// Of the lane as it is known now.
  std::future<Result<RedisDone>> run_later(RedisItem what, std::size_t loop = 0, Deadline deadline = kNoDeadline) {
    if (deadline == kNoDeadline) deadline = this->in(std::chrono::seconds(20));
    what.epoch = (*identity().lane_ids())[what.lane].epoch;
    return this->spawn(run(std::move(what), deadline), loop);
  }
  Task<RedisDone> run(RedisItem what, Deadline deadline) { co_return co_await steps_->run(what, deadline); }

  RedisDone done(RedisItem what) {
    const auto result = run_later(std::move(what)).get();
    EXPECT_TRUE(result) << result.error().detail;
    return result.value_or(RedisDone{});
  }
  /// Begun in one turn of a loop: one batch, if they fit each other.
  std::vector<std::future<Result<RedisDone>>> run_together(std::vector<RedisItem> items) {
    std::vector<std::future<Result<RedisDone>>> out;
    net::run_on(this->loops_[0], [&] {
      for (RedisItem& one : items) out.push_back(run_later(std::move(one)));
    });
    return out;
  }

  /// How many were sent.
  std::size_t batches() {
    Histogram::Snapshot total;
    metrics_of_store_->batch_size.add_to(total);
    return std::accumulate(total.counts.begin(), total.counts.end(), std::size_t{0});
  }

  std::atomic<std::int64_t> now_ = kStart;
  net::LoopPool ears_{1};  // of those who listen
  Bell bell_{ears_};
  std::shared_ptr<StoreMetrics> metrics_of_store_ = register_store_metrics(this->metrics_);
  std::unique_ptr<RedisClocks> clocks_;
  std::unique_ptr<RedisSteps> steps_;
};

// A real server ------------------------------------------------------------------------------------------------------

class RedisStepsTest : public StepsOn<RedisPartsTest> {
 protected:
  RedisStepsTest() {
    connect(options_of(server_.endpoint()));
    learn_lane_ids();
    make_parts();
  }
  ~RedisStepsTest() override { end_parts(); }
  RedisIdentity& identity() override { return identity_; }
  void learn_lane_ids() {
    const auto learnt = RedisPartsTest::done(RedisLaneIds(*client_, identity_).learn(kNoDeadline));
    EXPECT_TRUE(learnt) << learnt.error().detail;
  }

  std::vector<std::string> log(std::string_view chat = "a:b") {
    std::vector<std::string> out;
    for (const auto& entry : server_.ask({"XRANGE", log_of(chat), "-", "+"}).elements) {
      out.push_back(entry.elements.at(1).elements.at(1).text);
    }
    return out;
  }
  std::string clock() { return server_.ask({"HGET", redis_key(kLane, RedisKey::kClock), "t"}).text; }
  void set_clock(std::int64_t time) {
    (void)server_.ask({"HSET", redis_key(kLane, RedisKey::kClock), "t", std::to_string(time)});
  }
  std::string generations() { return server_.ask({"HGET", redis_key(kLane, RedisKey::kClock), "g"}).text; }
};

TEST_F(RedisStepsTest, ALaneGivesItsTimesInOrder) {
  EXPECT_EQ(done(item("1")), (RedisDone{How::kStored, kStart}));
  EXPECT_EQ(done(item("2", "c:d")), (RedisDone{How::kStored, kStart + 1}));
  now_ += 1000;
  EXPECT_EQ(done(item("3")), (RedisDone{How::kStored, kStart + 1000}));
  now_ -= 5000;
  EXPECT_EQ(done(item("4")), (RedisDone{How::kStored, kStart + 1001}));
  EXPECT_EQ(clock(), std::to_string(kStart + 1001));
  EXPECT_THAT(log(), ElementsAre("1", "3", "4"));
  EXPECT_THAT(log("c:d"), ElementsAre("2"));
}

TEST_F(RedisStepsTest, WhatFailsInABatchKeepsNothingElseFromBeingStored) {
  const std::int64_t known = done(keyed("known", "aa")).time;
  (void)done(keyed(std::string("\1\0\0", 3) + "conflict", "cc"));
  (void)done(with_row(item("row"), {"r", "v"}));
  (void)server_.ask({"SET", log_of("x:y"), "a string"});
  (void)server_.ask({"SET", redis_key(kLane, RedisKey::kChatTable, "x:y"), "a string"});
  RedisItem bad_table = item("bad table");
  bad_table.table = redis_key(kLane, RedisKey::kChatTable, "x:y");
  bad_table.rows = redis_row_arguments(std::vector<RowWrite>{{"r", "v"}});
  std::vector<RedisItem> items;
  items.push_back(item("1"));
  items.push_back(keyed("known", "aa"));
  items.push_back(item("2", "x:y"));
  items.push_back(keyed(std::string("\1\0\0", 3) + "another", "cc"));
  items.push_back(with_row(item("refused"), {"r", "w", RowWrite::If::kAbsent}));
  items.push_back(std::move(bad_table));
  items.push_back(keyed("3", "bb"));
  now_ += 1'000'000;
  const std::size_t before = batches();
  auto pending = run_together(std::move(items));
  EXPECT_EQ(pending[0].get(), (RedisDone{How::kStored, kStart + 1'000'000}));
  EXPECT_EQ(pending[1].get(), (RedisDone{How::kRepeated, known}));
  EXPECT_EQ(pending[2].get().error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(pending[3].get(), (RedisDone{How::kConflict, 0}));
  EXPECT_EQ(pending[4].get(), (RedisDone{How::kRefused, 0}));
  const auto bad = pending[5].get();
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error().detail, testing::HasSubstr("WRONGTYPE"));
  EXPECT_EQ(pending[6].get()->how, How::kStored);
  EXPECT_EQ(batches(), before + 1);
  const auto found = log();
  EXPECT_THAT(found, testing::IsSupersetOf({"known", "row", "1", "3"}));
  EXPECT_THAT(found, testing::Not(testing::Contains("refused")));
  EXPECT_THAT(found, testing::Not(testing::Contains("bad table")));
}

TEST_F(RedisStepsTest, AFullServerAnswersWhatItKnowsInABatch) {
  const std::int64_t known = done(keyed("known", "aa")).time;
  (void)server_.ask({"CONFIG", "SET", "maxmemory", "1"});
  std::vector<RedisItem> items;
  items.push_back(item("1"));
  items.push_back(keyed("known", "aa"));
  items.push_back(keyed("2", "bb"));
  auto pending = run_together(std::move(items));
  const auto full = pending[0].get();
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(full.error().detail, testing::HasSubstr("OOM"));
  EXPECT_EQ(pending[1].get(), (RedisDone{How::kRepeated, known}));
  EXPECT_EQ(pending[2].get().error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(clock(), std::to_string(kStart));
  (void)server_.ask({"CONFIG", "SET", "maxmemory", "0"});
  EXPECT_EQ(done(keyed("2", "bb")), (RedisDone{How::kStored, kStart + 1}));
  EXPECT_THAT(log(), ElementsAre("known", "2"));
}

TEST_F(RedisStepsTest, NothingIsStoredAboveItsLimit) {
  set_clock(kStart + kIndexGrain);
  EXPECT_EQ(done(item("1")), (RedisDone{How::kBeyondLimit, kStart + kIndexGrain}));
  EXPECT_THAT(log(), testing::IsEmpty());
  EXPECT_EQ(clock(), std::to_string(kStart + kIndexGrain));
  RedisItem later = item("1");
  later.limit = kStart + kIndexGrain + 1;
  EXPECT_EQ(done(later), (RedisDone{How::kStored, kStart + kIndexGrain + 1}));
}

TEST_F(RedisStepsTest, OneBatchHasTheLeastOfItsLimits) {
  set_clock(kStart + 100);
  std::vector<RedisItem> items;
  items.push_back(item("1"));
  items.push_back(item("2"));
  items.back().limit = kStart + 101;
  auto pending = run_together(std::move(items));
  EXPECT_EQ(pending[0].get()->how, How::kBeyondLimit);
  EXPECT_EQ(pending[1].get()->how, How::kBeyondLimit);
  EXPECT_THAT(log(), testing::IsEmpty());
}

TEST_F(RedisStepsTest, AllOfOneTurnIsOneBatchOfALane) {
  const std::size_t before = batches();
  std::vector<RedisItem> items;
  for (int i = 0; i < 100; ++i) items.push_back(i % 2 == 0 ? item("plain") : keyed("keyed", std::to_string(i)));
  std::set<std::int64_t> times;
  for (auto& one : run_together(std::move(items))) times.insert(one.get()->time);
  EXPECT_EQ(times.size(), 100U);
  EXPECT_EQ(batches(), before + 1);
}

TEST_F(RedisStepsTest, EqualKeysOfOneTurnAreToldApart) {
  std::vector<RedisItem> items;
  items.push_back(keyed("1", "aa"));
  items.push_back(keyed("1", "aa"));
  items.push_back(keyed("2", "aa"));
  auto pending = run_together(std::move(items));
  const RedisDone first = pending[0].get().value();
  EXPECT_EQ(first.how, How::kStored);
  EXPECT_EQ(pending[1].get(), (RedisDone{How::kRepeated, first.time}));
  EXPECT_EQ(pending[2].get(), (RedisDone{How::kConflict, 0}));
  EXPECT_THAT(log(), ElementsAre("1"));
}

// Items of one key go one after the other. What comes behind them need not wait for them all.
TEST_F(RedisStepsTest, WhatCollidesKeepsNothingElseFromRedis) {
  std::vector<RedisItem> items;
  for (int i = 0; i < 600; ++i) items.push_back(keyed("one of many", "aa"));
  items.push_back(item("another", "c:d"));
  auto results = run_together(std::move(items));
  const auto another = results.back().get();
  ASSERT_TRUE(another) << another.error().detail;
  EXPECT_LT(another->time, kStart + 10);
  results.pop_back();
  EXPECT_EQ(std::ranges::count_if(results, [](auto& one) { return one.get()->how == How::kStored; }), 1);
}

// A group's members mark what they have read, each for himself, and all in one table.
TEST_F(RedisStepsTest, ItemsOfOneTableGoTogether) {
  const std::size_t before = batches();
  std::vector<RedisItem> items;
  for (int i = 0; i < 100; ++i) {
    const std::string name = "row" + std::to_string(i % 50);
    items.push_back(with_row(item("mark"), {name, std::to_string(i), RowWrite::If::kAbsent}));
  }
  auto results = run_together(std::move(items));
  for (std::size_t i = 0; i < results.size(); ++i) {
    EXPECT_EQ(results[i].get()->how, i < 50 ? How::kStored : How::kRefused) << i;
  }
  EXPECT_EQ(batches(), before + 1);
}

TEST_F(RedisStepsTest, AKeyThatLooksLikeAnotherIsNotTakenForIt) {
  RedisItem first = keyed(std::string("\1\0\0", 3) + "first aa1", "aa1");
  RedisItem second = keyed(std::string("\1\0\0", 3) + "second aa2", "aa2");
  second.print = first.print;  // as far as the bucket keeps it
  first.key_field = "aa1";
  second.key_field = "aa2";
  const RedisItem again = second;
  EXPECT_EQ(done(std::move(first)).how, How::kStored);
  const RedisDone stored = done(std::move(second));
  EXPECT_EQ(stored.how, How::kStored);
  EXPECT_EQ(done(again), (RedisDone{How::kRepeated, stored.time}));
}

TEST_F(RedisStepsTest, KeysAreFoundInTheGenerationsBefore) {
  const std::int64_t time = done(keyed("1", "aa")).time;
  EXPECT_EQ(generations(), "1:64");
  const RedisKeyGenerations::Generation first{.number = 1, .buckets = 64};
  const std::string window = std::to_string(24 * 3'600'000);
  (void)server_.ask({"PEXPIRE", RedisKeyGenerations::key(kLane, first), window});  // as if it had lived for a window
  EXPECT_EQ(done(keyed("2", "bb")).how, How::kStored);
  EXPECT_EQ(generations(), "2:64,1:64");
  EXPECT_EQ(done(keyed("1", "aa")), (RedisDone{How::kRepeated, time}));
  EXPECT_EQ(done(keyed("3", "aa")).how, How::kConflict);
  (void)server_.ask({"DEL", RedisKeyGenerations::key(kLane, first)});
  (void)server_.ask({"PEXPIRE", RedisKeyGenerations::key(kLane, {.number = 2, .buckets = 64}), window});
  EXPECT_EQ(done(keyed("2", "bb")).how, How::kRepeated);
  EXPECT_EQ(generations(), "3:64,2:64");
}

TEST_F(RedisStepsTest, AFullGenerationIsFollowedByALargerOne) {
  EXPECT_EQ(done(keyed("record", "aa")).how, How::kStored);
  (void)server_.ask({"HSET", redis_key(kLane, RedisKey::kClock), "n",
                     std::to_string(RedisKeyGenerations::kLeastBuckets * RedisKeyGenerations::kKeysOfBucket - 1)});
  EXPECT_EQ(done(keyed("record", "bb")).how, How::kStored);
  EXPECT_EQ(generations(), "1:64") << "it has just as many as it has room for";
  EXPECT_EQ(done(keyed("record", "cc")).how, How::kStored);
  redis::eventually("a generation of more buckets", [this] { return generations() == "2:256,1:64"; });
  EXPECT_EQ(done(keyed("record", "aa")).how, How::kRepeated);
  EXPECT_EQ(server_.ask({"HGET", redis_key(kLane, RedisKey::kClock), "n"}).text, "0");
}

TEST_F(RedisStepsTest, ABucketThatIsAimedAtBeginsNoGeneration) {
  for (int i = 0; i < 300; ++i) {
    RedisItem one = keyed("record " + std::to_string(i), std::to_string(100 + i));
    one.print.replace(8, 4, std::string(4, '\0'));
    EXPECT_EQ(done(std::move(one)).how, How::kStored);
  }
  EXPECT_EQ(generations(), "1:64");
}

TEST_F(RedisStepsTest, FewGenerationsBeginBecauseTheyAreFull) {
  EXPECT_EQ(done(keyed("record", "aa")).how, How::kStored);
  std::string all;
  for (std::size_t i = RedisKeyGenerations::kMostGenerations; i > 0; --i) {
    all += (all.empty() ? "" : ",") + std::to_string(i) + ":64";
    const std::string key = RedisKeyGenerations::key(kLane, {.number = i, .buckets = 64});
    (void)server_.ask({"HSET", key, "b", "64"});
    (void)server_.ask({"PEXPIRE", key, std::to_string(49 * 3'600'000)});
  }
  (void)server_.ask({"HSET", redis_key(kLane, RedisKey::kClock), "g", all, "n", "1000000"});
  EXPECT_EQ(done(keyed("record", "bb")).how, How::kStored);
  EXPECT_EQ(done(keyed("record", "aa")).how, How::kRepeated);
  EXPECT_EQ(done(keyed("record", "cc")).how, How::kStored);
  EXPECT_EQ(generations(), all);
}

TEST_F(RedisStepsTest, BucketsExpireWithTheirGeneration) {
  EXPECT_EQ(done(keyed("1", "aa")).how, How::kStored);
  const auto all = server_.ask({"KEYS", redis_key(kLane, RedisKey::kKeys) + "*"}).elements;
  ASSERT_EQ(all.size(), 1U);
  const std::int64_t bucket = server_.ask({"PTTL", all[0].text}).integer;
  const std::int64_t generation =
      server_.ask({"PTTL", RedisKeyGenerations::key(kLane, {.number = 1, .buckets = 64})}).integer;
  EXPECT_LE(std::abs(bucket - generation), 1000);
  EXPECT_GT(bucket, 2 * 24 * 3'600'000);
  EXPECT_LT(bucket, 2 * 24 * 3'600'000 + 300'000);
}

TEST_F(RedisStepsTest, ALaneForgetsWhoCanNoLongerBeLate) {
  (void)done(item("1"));
  const std::string clock_key = redis_key(kLane, RedisKey::kClock);
  EXPECT_EQ(server_.ask({"HLEN", clock_key}).integer, 5);  // the clock, the three of an id, and a sender
  make_steps();
  (void)done(item("2"));
  EXPECT_EQ(server_.ask({"HLEN", clock_key}).integer, 6);
  now_ = kStart + kIndexGrain + 10;
  RedisItem later = item("3");
  later.limit = now_ + kIndexGrain;
  (void)done(later);  // of a sender that is known
  make_steps();
  (void)done(later);
  EXPECT_EQ(server_.ask({"HLEN", clock_key}).integer, 6);
}

TEST_F(RedisStepsTest, RefusesTimesThatAreUsedUp) {
  set_clock(kMaxSendTime - 1);
  RedisItem last = item("last");
  last.limit = kMaxSendTime;
  EXPECT_EQ(done(last), (RedisDone{How::kStored, kMaxSendTime}));
  EXPECT_EQ(run_later(last).get().error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(log(), ElementsAre("last"));
}

// The lane fell back in a failover, and a reader may have seen what was lost.
TEST_F(RedisStepsTest, TimesGoOnWhereTheyWereSeen) {
  EXPECT_EQ(done(item("1")), (RedisDone{How::kStored, kStart}));
  set_clock(kStart - 1000);
  now_ -= 2000;
  EXPECT_EQ(done(item("2")), (RedisDone{How::kStored, kStart + 1}));
}

TEST_F(RedisStepsTest, WhatWaitsForALaneThatIsAnotherByThenIsNotSent) {
  server_.freeze();
  std::vector<std::future<Result<RedisDone>>> pending;
  std::vector<std::string> sent;
  for (std::size_t i = 0; i <= RedisSteps::kCallsUnderWay; ++i) {
    const std::string record = std::to_string(i);
    pending.push_back(run_later(item(record)));
    net::run_on(loops_[0], [] {});  // the next one has a turn of its own
    if (i < RedisSteps::kCallsUnderWay) sent.push_back(record);
  }
  redis::eventually("all calls but the last are under way", [&] { return batches() == sent.size(); });
  identity_.set_lane_id(kLane, "another id");
  server_.thaw();
  for (std::size_t i = 0; i < sent.size(); ++i) EXPECT_EQ(pending[i].get()->how, How::kStored);
  EXPECT_EQ(pending.back().get().error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(run_later(item("of another id")).get().error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(log(), sent);
}

TEST_F(RedisStepsTest, TooManyThatWaitAreOverloaded) {
  server_.freeze();
  std::vector<RedisItem> items;
  for (std::size_t i = 0; i < StoreOptions().max_queue + 300; ++i) items.push_back(item("x"));
  std::size_t overloaded = 0;
  auto pending = run_together(std::move(items));
  server_.thaw();
  for (auto& one : pending) {
    const auto result = one.get();
    if (!result && result.error().code == ErrorCode::kOverloaded) ++overloaded;
  }
  EXPECT_GT(overloaded, 0U);
  EXPECT_LE(overloaded, 300U);
}

// A server that fails over
// ---------------------------------------------------------------------------------------------

class FakeServerTest : public redis::ClientTest {};

class RedisStepsOverFailoversTest : public StepsOn<FakeServerTest> {
 protected:
  RedisStepsOverFailoversTest() {
    identity_.begin("a store");
    identity_.set_lanes(8);
    identity_.set_lane_id(kLane, "lane-id");
    auto started = start_later({.servers = {fake_.endpoint()},
                                .replicas = 1,
                                .connect_timeout = milliseconds(20'000),
                                .patience = milliseconds(20'000),
                                .watch = milliseconds(20'000)});
    unused_ = std::make_unique<FakeConnection>(fake_.accept());  // the first is for what is not replicated
    master_ = std::make_unique<FakeConnection>(fake_.accept());
    (void)std::move(*unused_).ready();
    (void)std::move(*master_).ready();
    EXPECT_TRUE(started.get());
    make_parts();
  }
  ~RedisStepsOverFailoversTest() override { end_parts(); }
  RedisIdentity& identity() override { return identity_; }

  /// The words of the step that comes, behind the script, and the WAIT behind it.
  std::vector<std::string> receive() {
    std::istringstream words(master_->receive());
    EXPECT_THAT(master_->receive(), testing::StartsWith("WAIT 1 "));
    std::vector<std::string> out;
    for (std::string word; words >> word;) out.push_back(word);
    return out;
  }
  /// The connection breaks before the answer, and whoever is connected to next is another server.
  void fail_over() {
    master_->close();
    *master_ = fake_.accept_ready();
  }
  void answer(const std::string& text, int replicas = 1) {
    master_->answer("*1\r\n$" + std::to_string(text.size()) + "\r\n" + text + "\r\n:" + std::to_string(replicas) +
                    "\r\n");
  }

  // EVALSHA sha 2 clock log now sender number head id generations record
  static constexpr std::size_t kNow = 5;
  static constexpr std::size_t kSender = 6;
  static constexpr std::size_t kNumber = 7;

  redis::FakeRedis fake_;
  RedisIdentity identity_;
  std::unique_ptr<FakeConnection> unused_;
  std::unique_ptr<FakeConnection> master_;
};

TEST_F(RedisStepsOverFailoversTest, NothingIsSentWhileItIsNotSettledWhichStoreThereIs) {
  identity_.lose("another");
  const auto refused = run_later(item("1")).get();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(refused.error().detail, testing::HasSubstr("another"));
}

// A reader may have seen a later record on the server that is gone: the time of the first attempt is behind its cursor.
TEST_F(RedisStepsOverFailoversTest, TheSameBatchIsSentAgainWithTheClockOfThatMoment) {
  auto pending = run_later(item("1"));
  const auto first = receive();
  ASSERT_EQ(first[0], "EVALSHA");
  now_ += 10;
  fail_over();
  auto again = receive();
  EXPECT_EQ(again[kNow], std::to_string(kStart + 10));
  EXPECT_EQ(again[kSender], first[kSender]);
  EXPECT_EQ(again[kNumber], first[kNumber]);
  again[kNow] = first[kNow];
  EXPECT_EQ(again, first);
  answer("1700000000000010 1700000000000010");
  EXPECT_EQ(pending.get(), (RedisDone{How::kStored, kStart + 10}));
  pending = run_later(item("2"));
  const auto next = receive();
  EXPECT_TRUE(next[kSender] != first[kSender] || next[kNumber] != first[kNumber]);
  answer("1700000000000011 1700000000000011");
  EXPECT_TRUE(pending.get());
}

TEST_F(RedisStepsOverFailoversTest, WhatIsFoundDoneKeepsItsTime) {
  auto pending = run_later(item("1"));
  (void)receive();
  fail_over();
  (void)receive();
  answer("=1700000000000010 1700000000000010");
  EXPECT_EQ(pending.get(), (RedisDone{How::kStored, kStart + 10}));
  EXPECT_EQ(steps_->counts().settled.value(), 1U);
}

TEST_F(RedisStepsOverFailoversTest, ALimitThatIsPassedAfterALostAnswerLeavesTheOutcomeUnknown) {
  auto pending = run_later(item("1"));
  (void)receive();
  fail_over();
  (void)receive();
  answer("!limit 1800000000000000");
  EXPECT_EQ(pending.get().error().code, ErrorCode::kOutcomeUnknown);
  pending = run_later(item("2"));
  (void)receive();
  answer("!limit 1800000000000000");
  EXPECT_EQ(pending.get()->how, How::kBeyondLimit);
}

TEST_F(RedisStepsOverFailoversTest, WhatHadToWaitIsSentWithTheClockOfThatMoment) {
  auto pending = run_later(item("1"));
  (void)receive();
  now_ += 10;
  master_->answer("-LOADING Redis is loading the dataset in memory\r\n:1\r\n");
  EXPECT_EQ(receive()[kNow], std::to_string(kStart + 10));
  answer("1700000000000010 1700000000000010");
  EXPECT_TRUE(pending.get());
}

TEST_F(RedisStepsOverFailoversTest, AnAnswerThatCannotBeSoLargeIsSettledAsALostOne) {
  auto pending = run_later(item("1"));
  (void)receive();
  master_->answer("$536870912\r\n");
  fail_over();
  (void)receive();
  answer("=1700000000000010 1700000000000010");
  EXPECT_TRUE(pending.get());
}

TEST_F(RedisStepsOverFailoversTest, TooFewReplicasLeaveTheOutcomeUnknown) {
  auto pending = run_later(item("1"));
  (void)receive();
  answer("1700000000000000 1700000000000000", 0);
  EXPECT_EQ(pending.get().error().code, ErrorCode::kOutcomeUnknown);
  EXPECT_EQ(clocks_->known(kLane), 0);
  pending = run_later(item("2"));
  (void)receive();
  answer("1700000000000001 1700000000000001");
  EXPECT_TRUE(pending.get());
  EXPECT_EQ(clocks_->known(kLane), kStart + 1);
}

TEST_F(RedisStepsOverFailoversTest, WhoIsRungFindsTheConfirmedClock) {
  std::atomic<std::int64_t> time = kStart;
  std::atomic<std::size_t> rings = 0;
  std::atomic<std::size_t> too_early = 0;
  Bell::ListeningPtr listening;
  net::run_on(ears_[0], [&] {
    listening = bell_.listen_to_chat("a:b", [&] {
      ++rings;
      if (clocks_->known(kLane) < time) ++too_early;
    });
  });
  for (; time < kStart + 2000; ++time) {
    auto pending = run_later(item("1"));
    (void)receive();
    answer(std::to_string(time) + " " + std::to_string(time));
    EXPECT_TRUE(pending.get());
    net::run_on(ears_[0], [] {});  // it has rung
  }
  net::run_on(ears_[0], [&] { listening.reset(); });
  EXPECT_EQ(rings, 2000U);
  EXPECT_EQ(too_early, 0U);
}

TEST_F(RedisStepsOverFailoversTest, WhatWasNotConfirmedIsNotTakenForRefused) {
  for (const char* const how : {"R", "C"}) {
    auto pending = run_later(item("1"));
    (void)receive();
    answer(std::string("0 1700000000000000 ") + how, 0);
    EXPECT_EQ(pending.get().error().code, ErrorCode::kOutcomeUnknown) << how;
    pending = run_later(item("1"));
    (void)receive();
    answer(std::string("0 1700000000000000 ") + how);
    EXPECT_TRUE(pending.get()) << how;
  }
}

// What refused it may be gone when an earlier attempt comes at last.
TEST_F(RedisStepsOverFailoversTest, WhatIsRefusedAfterALostAnswerMayStillBeDone) {
  for (const char* const how : {"R", "C", "U", "E"}) {
    auto pending = run_later(item("1"));
    (void)receive();
    fail_over();
    (void)receive();
    answer(std::string("0 1700000000000000 ") + how);
    EXPECT_EQ(pending.get().error().code, ErrorCode::kOutcomeUnknown) << how;
  }
  auto pending = run_together([] {
    std::vector<RedisItem> items;
    items.push_back(item("1"));
    items.push_back(item("2"));
    return items;
  }());
  (void)receive();
  fail_over();
  (void)receive();
  answer("1700000000000001 1700000000000001 RS");  // so the lane knows the batch
  EXPECT_EQ(pending[0].get()->how, How::kRefused);
  EXPECT_EQ(pending[1].get()->how, How::kStored);
}

TEST_F(RedisStepsOverFailoversTest, ALostLaneHasDoneNothing) {
  auto pending = run_later(item("1"));
  (void)receive();
  answer("!lost");
  EXPECT_EQ(pending.get().error().code, ErrorCode::kUnavailable);
  pending = run_later(item("1"));
  (void)receive();
  fail_over();
  (void)receive();
  answer("!lost");
  EXPECT_EQ(pending.get().error().code, ErrorCode::kOutcomeUnknown) << "the data that are lost had it, or may have it";
}

TEST_F(RedisStepsOverFailoversTest, WhoseDeadlinePassesBeforeTheServerCanBeAskedIsNotStored) {
  master_->close();
  auto late = run_later(item("late"), 0, in(milliseconds(100)));
  auto patient = run_later(item("patient"));
  const auto expired = late.get();
  ASSERT_FALSE(expired);
  EXPECT_EQ(expired.error().code, ErrorCode::kOverloaded);
  *master_ = fake_.accept_ready();
  const auto step = receive();
  EXPECT_EQ(step.back(), "patient");
  EXPECT_THAT(step, testing::Not(testing::Contains("late")));
  answer("1700000000000001 1700000000000001");
  EXPECT_TRUE(patient.get());
}

}  // namespace
}  // namespace parley::store
