// The step itself, on a real server: what batches do that come late, in another order, or with another clock.
#include "store/redis/scripts.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/message_store.h"
#include "store/redis/batch.h"
#include "store/redis/lanes.h"
#include "store/redis/parts_fixture.h"
#include "store/redis/tables.h"

namespace parley::store {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using How = RedisDone::How;

constexpr std::int64_t kStart = 1'700'000'000'000'000;
constexpr std::int64_t kSecond = 1'000'000;
constexpr std::size_t kLane = 3;
const std::string kKeyField("\x12\3key");

std::string clock_key(std::size_t lane = kLane) { return redis_key(lane, RedisKey::kClock); }
std::string log_of(std::string_view chat, std::size_t lane = kLane) { return redis_key(lane, RedisKey::kLog, chat); }

/// A record of the first member with this text, and with the key if it is given.
std::string record(std::string_view text, std::string_view key_field = {}) {
  std::string out("\1\0\0", 3);
  return out.append(text).append(key_field);
}

RedisItem item(std::string of, std::string_view chat = "a:b", std::size_t lane = kLane) {
  RedisItem out{.lane = lane, .chat = std::string(chat), .log = log_of(chat, lane)};
  out.records.push_back(std::move(of));
  return out;
}
RedisItem keyed(std::string_view text) {
  RedisItem out = item(record(text, kKeyField));
  out.print = std::string(16, 'p');
  out.key_field = kKeyField;
  return out;
}

class RedisScriptsTest : public RedisPartsTest {
 protected:
  RedisScriptsTest() {
    connect(options_of(server_.endpoint()));
    for (const std::size_t lane : {kLane, kLane + 1}) (void)server_.ask({"HSET", clock_key(lane), "i", "the id"});
  }

  struct Sent {
    std::string sender = "f1";
    std::uint64_t number = 1;
    std::int64_t now = kStart;
    std::int64_t limit = kStart + kIndexGrain;
    std::string id = "the id";
    std::int64_t known = 0;
    std::int64_t floor = 0;
  };

  /// What each lane answers. The batches of one call, each of one lane.
  std::vector<RedisStep> steps(const Sent& sent, std::vector<std::vector<RedisItem>> lanes) {
    std::vector<RedisBatch> batches;
    for (auto& items : lanes) {
      RedisBatch& batch = batches.emplace_back(RedisBatch{.lane = items.front().lane,
                                                          .lane_id = sent.id,
                                                          .known = sent.known,
                                                          .floor = sent.floor,
                                                          .generations = generations_});
      for (RedisItem& each : items) {
        each.limit = sent.limit;
        batch.items.push_back(&each);
      }
    }
    std::vector<const RedisBatch*> of_call;
    for (const RedisBatch& batch : batches) of_call.push_back(&batch);
    const auto put = [&](redis::ScriptCall& call) {
      put_steps({.now = sent.now, .sender = sent.sender, .number = sent.number}, of_call, call);
    };
    const auto result = done(client_->run(script_, clock_key(), put, {.deadline = in(seconds(20))}));
    EXPECT_EQ(result.outcome, redis::CallResult::Outcome::kAnswered) << result.why;
    EXPECT_EQ(result.reply.elements.size(), lanes.size()) << result.reply.text;
    std::vector<RedisStep> out;
    for (std::size_t i = 0; i < result.reply.elements.size(); ++i) {
      auto step = read_step(result.reply.elements[i], batches.at(i), false);
      EXPECT_TRUE(step) << result.reply.elements[i].text;
      out.push_back(std::move(step).value_or(RedisStep{}));
    }
    return out;
  }
  RedisStep step(const Sent& sent, RedisItem what) {
    std::vector<RedisItem> items;
    items.push_back(std::move(what));
    std::vector<std::vector<RedisItem>> lanes;
    lanes.push_back(std::move(items));
    auto out = steps(sent, std::move(lanes));
    return out.empty() ? RedisStep{} : std::move(out.front());
  }

  void use(RedisStepRules rules) { script_ = make_step_script(rules); }
  /// The lane has one generation of keys, which lives for days.
  void have_keys() {
    generations_ = std::make_shared<const RedisKeyGenerations>(RedisKeyGenerations::parse("1:64").value());
    generation_ = RedisKeyGenerations::key(kLane, generations_->all().front());
    (void)server_.ask({"HSET", clock_key(), "g", "1:64"});
    (void)server_.ask({"HSET", generation_, "b", "64"});
    (void)server_.ask({"PEXPIRE", generation_, std::to_string(72 * 3'600'000)});
  }
  std::int64_t length(std::string_view chat = "a:b", std::size_t lane = kLane) {
    return server_.ask({"XLEN", log_of(chat, lane)}).integer;
  }

  redis::Script script_ = make_step_script({.window = hours(24), .least = hours(25)});
  std::shared_ptr<const RedisKeyGenerations> generations_;
  std::string generation_;
};

// An earlier batch of a sender may have had a later limit: until then an attempt of it may come.
TEST_F(RedisScriptsTest, ALateAttemptIsRefusedForAsLongAsItsOwnLimitAllows) {
  const Sent first{.number = 5, .limit = kStart + kIndexGrain};
  EXPECT_FALSE(step(first, item("hello")).again);
  EXPECT_TRUE(step(first, item("hello")).again);
  EXPECT_EQ(step({.number = 6, .now = kStart + 10, .limit = kStart + 60 * kSecond}, item("next", "c:d")).items.size(),
            1U);
  const std::int64_t later = kStart + 61 * kSecond;  // beyond the limit of the last one
  (void)step({.sender = "f2", .now = later, .limit = later + kIndexGrain}, item("x", "e:f"));
  (void)step({.sender = "f3", .now = later + kSecond, .limit = later + kIndexGrain}, item("x", "e:f"));
  EXPECT_EQ(step(first, item("hello")).how, RedisStep::How::kOvertaken);
  EXPECT_EQ(length(), 1);
  const std::int64_t past = kStart + 2 * kIndexGrain;
  (void)step({.sender = "f4", .now = past, .limit = past + kIndexGrain}, item("x", "e:f"));
  (void)step({.sender = "f5", .now = past, .limit = past + kIndexGrain}, item("x", "e:f"));
  EXPECT_EQ(server_.ask({"HEXISTS", clock_key(), "f1"}).integer, 0) << "it is kept no longer than that";
  EXPECT_EQ(step(first, item("hello")).how, RedisStep::How::kBeyondLimit);
  EXPECT_EQ(length(), 1);
}

TEST_F(RedisScriptsTest, ALaneOfAnotherIdDoesNothing) {
  EXPECT_EQ(step({.id = "another"}, item("x")).how, RedisStep::How::kLost);
  (void)server_.ask({"DEL", clock_key()});
  EXPECT_EQ(step({}, item("x")).how, RedisStep::How::kLost);
  EXPECT_EQ(length(), 0);
  EXPECT_EQ(server_.ask({"EXISTS", clock_key()}).integer, 0);
}

TEST_F(RedisScriptsTest, LanesOfOneCallStandForThemselves) {
  std::vector<std::vector<RedisItem>> lanes(2);
  lanes[0].push_back(item("1"));
  lanes[1].push_back(item("2", "c:d", kLane + 1));
  (void)server_.ask({"HSET", clock_key(kLane + 1), "t", std::to_string(kStart + kSecond)});
  auto answers = steps({}, lanes);
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_THAT(answers[0].items, ElementsAre(RedisDone{How::kStored, kStart}));
  EXPECT_THAT(answers[1].items, ElementsAre(RedisDone{How::kStored, kStart + kSecond + 1}));
  (void)server_.ask({"SET", clock_key(kLane + 1), "no clock"});
  answers = steps({.number = 2}, lanes);
  EXPECT_THAT(answers.at(0).items, ElementsAre(RedisDone{How::kStored, kStart + 1}));
  EXPECT_EQ(answers.at(1).how, RedisStep::How::kFault);
  EXPECT_THAT(answers.at(1).fault, testing::StartsWith("WRONGTYPE"));
  answers = steps({.number = 2}, lanes);
  EXPECT_TRUE(answers.at(0).again);
  EXPECT_EQ(length(), 2);
}

TEST_F(RedisScriptsTest, ALaneThatHoldsNonsenseFailsAlone) {
  std::vector<std::vector<RedisItem>> lanes(2);
  lanes[0].push_back(item("1", "c:d", kLane + 1));
  lanes[1].push_back(item("2"));
  std::uint64_t number = 0;
  for (const char* const time : {"x", "", "-1", "1.5", "nan", "inf", "1e300"}) {
    (void)server_.ask({"HSET", clock_key(kLane + 1), "t", time});
    const auto answers = steps({.number = ++number}, lanes);
    EXPECT_EQ(answers.at(0).how, RedisStep::How::kFault) << time;
    EXPECT_EQ(answers.at(1).items.at(0).how, How::kStored) << time;
  }
  EXPECT_EQ(length("c:d", kLane + 1), 0);
  // What is not needed to tell times apart counts for nothing.
  (void)server_.ask({"HSET", clock_key(kLane + 1), "t", std::to_string(kStart), "k", "x", "n", "x"});
  EXPECT_EQ(steps({.number = ++number, .known = kStart}, lanes).at(0).items.at(0).how, How::kStored);
  EXPECT_EQ(server_.ask({"HGET", clock_key(kLane + 1), "k"}).text, std::to_string(kStart));
  (void)server_.ask({"HSET", clock_key(kLane + 1), "f1", "x"});
  EXPECT_EQ(steps({.number = ++number}, lanes).at(0).how, RedisStep::How::kFault);
}

TEST_F(RedisScriptsTest, AFieldOfALaterVersionIsLeftAlone) {
  for (const char* const value : {"x", "", "1", "1 x", "1:2 3 4"}) {
    (void)server_.ask({"HSET", clock_key(), "future", value});
    EXPECT_EQ(step({.sender = std::string("f") + value}, item("1")).items.at(0).how, How::kStored) << value;
    EXPECT_EQ(server_.ask({"HGET", clock_key(), "future"}).text, value);
  }
}

TEST_F(RedisScriptsTest, WhatIsKnownToBeConfirmedIsNeverAboveTheClock) {
  const auto known = [&] { return server_.ask({"HGET", clock_key(), "k"}).text; };
  (void)step({.known = kStart + 3000 * kSecond}, item("of a lane that was ahead"));
  EXPECT_EQ(known(), "");
  (void)step({.number = 2, .known = kStart}, item("x"));
  EXPECT_EQ(known(), std::to_string(kStart));
}

// The lane has fallen back in a failover: a reader may have been told of what it has lost.
TEST_F(RedisScriptsTest, TimesBeginWhereReadersWereSeenToBe) {
  const std::int64_t seen = kStart + 60 * kSecond;
  EXPECT_THAT(step({.floor = seen + 1}, item("x")).items, ElementsAre(RedisDone{How::kStored, seen + 1}));
  const RedisStep beyond = step({.number = 2, .limit = seen + 9, .floor = seen + 10}, item("x"));
  EXPECT_EQ(beyond.how, RedisStep::How::kBeyondLimit);
  EXPECT_EQ(beyond.clock, seen + 9) << "rows that are raised to above it allow it";
}

// The window ends at different moments for nodes whose clocks differ. So both the record that a key stood for and the
// one that took its place may count for one of them.
TEST_F(RedisScriptsTest, AKeyThatIsUsedAgainIsTheNewRecordsForSlowClocksToo) {
  use({.window = seconds(60), .least = seconds(61)});
  have_keys();
  EXPECT_THAT(step({}, keyed("1")).items, ElementsAre(RedisDone{How::kStored, kStart}));
  const std::int64_t after = kStart + 61 * kSecond;
  EXPECT_THAT(step({.number = 2, .now = after}, keyed("2")).items, ElementsAre(RedisDone{How::kStored, after}));
  const std::int64_t behind = after - 2 * kSecond;
  EXPECT_THAT(step({.sender = "f2", .now = behind}, keyed("2")).items, ElementsAre(RedisDone{How::kRepeated, after}));
  EXPECT_THAT(step({.sender = "f2", .number = 2, .now = behind}, keyed("3")).items,
              ElementsAre(RedisDone{How::kConflict, 0}));
}

TEST_F(RedisScriptsTest, TheKeyOfARecordThatIsGoneIsKnownByWhatIsLeftOfIt) {
  have_keys();
  EXPECT_THAT(step({}, keyed("1")).items, ElementsAre(RedisDone{How::kStored, kStart}));
  const std::string bucket = RedisKeyGenerations::bucket(kLane, generations_->all().front(), std::string(16, 'p'));
  const std::string entry = server_.ask({"GET", bucket}).text;
  ASSERT_EQ(entry.size(), 8U);
  const auto sha1 = [this](const std::string& of) {
    return server_.ask({"EVAL", "return redis.sha1hex(ARGV[1])", "0", of}).text;
  };
  const std::string sender(1, '\0');
  (void)server_.ask(
      {"HSET", generation_, entry,
       std::to_string(kStart) + " " + sha1(log_of("a:b") + sender + kKeyField) + " " + sha1(record("1", kKeyField))});
  (void)server_.ask({"XDEL", log_of("a:b"), std::to_string(kStart) + "-0"});
  EXPECT_THAT(step({.number = 2}, keyed("1")).items, ElementsAre(RedisDone{How::kRepeated, kStart}));
  EXPECT_THAT(step({.number = 3}, keyed("2")).items, ElementsAre(RedisDone{How::kConflict, 0}));
  RedisItem other = item(record("1", "\x12\3eyk"));  // of the same print
  other.print = std::string(16, 'p');
  other.key_field = "\x12\3eyk";
  EXPECT_EQ(step({.number = 4}, other).items.at(0).how, How::kStored);
  EXPECT_EQ(length(), 1);
}

TEST_F(RedisScriptsTest, MoreBucketsThanOneCommandCanName) {
  have_keys();
  std::vector<RedisItem> items;
  for (int i = 0; i < 1100; ++i) {
    RedisItem one = keyed(std::to_string(i));
    one.print = std::to_string(1'000'000'000'000'000 + 7 * i);
    std::ranges::reverse(one.print);
    items.push_back(std::move(one));
  }
  const RedisStep first = steps({}, {items}).at(0);
  EXPECT_EQ(first.items.size(), items.size());
  const RedisStep again = steps({.number = 2}, {items}).at(0);
  EXPECT_THAT(again.items, testing::Each(testing::Field(&RedisDone::how, How::kRepeated)));
  EXPECT_EQ(server_.ask({"HGET", clock_key(), "n"}).text, "1100");
}

RedisItem rows_of(std::string_view chat, const std::vector<RowWrite>& rows) {
  RedisItem out{.lane = kLane, .table = redis_key(kLane, RedisKey::kChatTable, chat)};
  out.rows = redis_row_arguments(rows);
  return out;
}

TEST_F(RedisScriptsTest, ItemsOfOneTableSeeWhatThoseBeforeThemWrite) {
  using If = RowWrite::If;
  std::vector<RedisItem> items;
  std::vector<How> expected;
  const auto add = [&](How how, std::string_view chat, std::vector<RowWrite> rows) {
    items.push_back(rows_of(chat, rows));
    expected.push_back(how);
  };
  add(How::kStored, "a:b", {{"n", "1", If::kAbsent}, {"m", "1", If::kAbsent}});
  add(How::kRefused, "a:b", {{"n", "2", If::kAbsent}});
  add(How::kStored, "c:d", {{"n", "2", If::kAbsent}});  // another table
  add(How::kStored, "a:b", {{"n", "2", If::kEquals, "1"}});
  add(How::kRefused, "a:b", {{"n", "3", If::kEquals, "1"}, {"l", "3"}});
  add(How::kStored, "a:b", {{"l", "4", If::kAbsent}});  // what was refused is not there
  add(How::kRefused, "a:b", {{"n", "2", If::kBelow, "2"}});
  add(How::kStored, "a:b", {{"n", "3", If::kBelow, "3"}});
  add(How::kStored, "a:b", {{"m", std::nullopt}});
  add(How::kRefused, "a:b", {{"m", "5", If::kEquals, "1"}});
  add(How::kStored, "a:b", {{"m", "", If::kAbsent}});
  add(How::kStored, "a:b", {{"m", "6", If::kEquals, ""}});
  std::vector<std::string> before;
  for (int again = 0; again < 2; ++again) {  // the second answer is the kept one
    const RedisStep step = steps({}, {items}).at(0);
    EXPECT_EQ(step.again, again == 1);
    std::vector<How> hows;
    for (const RedisDone& done : step.items) hows.push_back(done.how);
    EXPECT_EQ(hows, expected);
    std::vector<std::string> rows;
    for (const auto& row : server_.ask({"ZRANGE", redis_key(kLane, RedisKey::kChatTable, "a:b"), "0", "-1"}).elements) {
      rows.push_back(row.text);
    }
    const std::string end(2, '\0');
    EXPECT_THAT(rows, ElementsAre("l" + end + "4", "m" + end + "6", "n" + end + "3"));
  }
}

TEST_F(RedisScriptsTest, WhatWasJudgedByRowsThatDoNotComeFailsToo) {
  (void)server_.ask({"SET", log_of("a:b"), "no stream"});
  RedisItem first = rows_of("a:b", {{"n", "1", RowWrite::If::kAbsent}});
  first.records.push_back(record("x"));
  first.chat = "a:b";
  first.log = log_of("a:b");
  const RedisStep step = steps({}, {{first, rows_of("a:b", {{"n", "2", RowWrite::If::kEquals, "1"}}),
                                     rows_of("c:d", {{"n", "3", RowWrite::If::kAbsent}})}})
                             .at(0);
  ASSERT_EQ(step.items.size(), 3U);
  EXPECT_EQ(step.items[0].how, How::kFailed);
  EXPECT_EQ(step.items[1].how, How::kFailed);
  EXPECT_EQ(step.items[2].how, How::kStored);
  EXPECT_EQ(server_.ask({"EXISTS", redis_key(kLane, RedisKey::kChatTable, "a:b")}).integer, 0);
}

// Otherwise a send would be refused for a row that is not there, and for good.
TEST_F(RedisScriptsTest, RowsThatDoNotComeRefuseNothing) {
  using If = RowWrite::If;
  const auto hows = [&](const Sent& sent, std::vector<RedisItem> items) {
    std::vector<How> out;
    for (const RedisDone& done : steps(sent, {std::move(items)}).at(0).items) out.push_back(done.how);
    return out;
  };
  const auto exists = [&](std::string_view chat) {
    return server_.ask({"EXISTS", redis_key(kLane, RedisKey::kChatTable, chat)}).integer;
  };
  const RedisItem absent = rows_of("a:b", {{"n", "1", If::kAbsent}});
  const RedisItem there = rows_of("c:d", {{"n", "2", If::kAbsent}});
  ASSERT_THAT(hows({}, {there}), ElementsAre(How::kStored));
  RedisItem failing = rows_of("a:b", {{"n", "1", If::kAbsent}});
  failing.records.push_back(record("x"));
  failing.chat = "a:b";
  failing.log = log_of("a:b");
  (void)server_.ask({"SET", failing.log, "no stream"});
  const RedisItem other = rows_of("e:f", {{"n", "3", If::kAbsent}});
  for (int again = 0; again < 2; ++again) {  // the second answer is the kept one
    EXPECT_THAT(hows({.number = 2}, {failing, absent, there, other, other}),
                ElementsAre(How::kFailed, How::kFailed, How::kRefused, How::kStored, How::kRefused));
    EXPECT_EQ(exists("a:b"), 0);
  }

  (void)server_.ask({"CONFIG", "SET", "maxmemory", "1"});
  const RedisItem higher = rows_of("a:b", {{"n", "9", If::kBelow, "9"}});
  const RedisItem lower = rows_of("a:b", {{"n", "5", If::kBelow, "5"}});
  EXPECT_THAT(hows({.number = 3}, {higher, lower, there}), ElementsAre(How::kFailed, How::kFailed, How::kRefused));
  (void)server_.ask({"CONFIG", "SET", "maxmemory", "0"});
  EXPECT_EQ(exists("a:b"), 0);

  (void)server_.ask({"HSET", clock_key(), "t", std::to_string(kMaxSendTime)});
  EXPECT_THAT(hows({.number = 4}, {absent, absent, there}), ElementsAre(How::kUsedUp, How::kUsedUp, How::kRefused));
  EXPECT_EQ(exists("a:b"), 0);
}

// Byte by byte it would take the server ten seconds.
TEST_F(RedisScriptsTest, LongValuesAreComparedByHalves) {
  const std::string value(kMaxRowValueBytes - 1, 'z');
  std::vector<RowWrite> rows;
  for (int i = 0; i < 16; ++i) rows.push_back({std::to_string(10 + i), value + "a"});
  RedisItem write{.lane = kLane, .table = redis_key(kLane, RedisKey::kChatTable, "a:b")};
  write.rows = redis_row_arguments(rows);
  EXPECT_EQ(step({}, write).items.at(0).how, How::kStored);
  for (RowWrite& row : rows) row = {row.name, value + "b", RowWrite::If::kBelow, value + "b"};
  write.rows = redis_row_arguments(rows);
  EXPECT_EQ(step({.number = 2}, write).items.at(0).how, How::kStored);
  EXPECT_EQ(step({.number = 3}, write).items.at(0).how, How::kRefused);
}

}  // namespace
}  // namespace parley::store
