#include "store/redis/index.h"

#include <algorithm>
#include <random>
#include <set>
#include <utility>

#include <gmock/gmock.h>

#include "redis/fake_redis.h"
#include "store/redis/breaking_link.h"
#include "store/redis/lanes.h"
#include "store/redis/parts_fixture.h"
#include "store/store_fixture.h"

namespace parley::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class RedisIndexTest : public RedisPartsTest {
 protected:
  explicit RedisIndexTest(std::size_t loops = 2) : RedisPartsTest(loops) {}
  ~RedisIndexTest() override { stop(); }

  void connect(redis::ClientOptions options) {
    RedisPartsTest::connect(std::move(options));
    index_ = make_index();
  }
  /// Another node's, whose memory is its own.
  std::unique_ptr<RedisIndex> make_index() {
    return std::make_unique<RedisIndex>(*client_, identity_, bell_, std::size_t{1} << 20, loops_.size());
  }

  Result<RedisRaised> raise(RedisIndex& index, const std::string& chat, const std::vector<std::string>& audience,
                            std::int64_t now, std::int64_t floor = 0, milliseconds time = milliseconds(20'000)) {
    return done(raise_on_loop(index, chat_of(chat), audience, now, floor, in(time)));
  }
  std::future<Result<RedisRaised>> raise_later(const std::string& chat, const std::vector<std::string>& audience,
                                               std::int64_t now, milliseconds time = milliseconds(20'000)) {
    return spawn(raise_on_loop(*index_, chat_of(chat), audience, now, 0, in(time)));
  }
  std::int64_t limit(const std::string& chat, std::int64_t now, std::int64_t floor = 0) {
    const auto raised = raise(*index_, chat, {}, now, floor);
    EXPECT_TRUE(raised) << raised.error().detail;
    return raised ? raised->limit : 0;
  }
  std::optional<RedisRaised> known(const std::string& chat, std::int64_t now, std::size_t loop = 0,
                                   const std::vector<std::string>& audience = {}) {
    return done(known_on_loop(chat_of(chat), audience, now), loop);
  }
  void appended(const std::string& chat, std::int64_t time, bool raised_lane) {
    done(appended_on_loop(chat, time, raised_lane));
  }
  IndexPage page(const std::string& user, IndexRange range = {}) {
    auto found = done(index_->index(user, std::move(range), in(milliseconds(20'000))));
    EXPECT_TRUE(found) << found.error().detail;
    return found ? *std::move(found) : IndexPage{};
  }
  std::vector<IndexRow> rows(const std::string& user, IndexRange range = {}) {
    return page(user, std::move(range)).rows;
  }
  void put(const std::string& user, const std::string& chat, std::int64_t time) const {
    (void)server_.ask({"ZADD", key_of(user), std::to_string(time), chat});
  }
  static std::string key_of(const std::string& user) {
    return redis_key(redis_lane_of_index(user, 8), RedisKey::kIndex, user);
  }

  Bell bell_{loops_};
  std::unique_ptr<RedisIndex> index_;

 private:
  Task<RedisRaised> raise_on_loop(RedisIndex& index, ChatId chat, std::vector<std::string> audience, std::int64_t now,
                                  std::int64_t floor, Deadline deadline) {
    auto raised = co_await index.raise(chat, audience, now, floor, deadline);
    co_return raised;
  }
  Async<std::optional<RedisRaised>> known_on_loop(ChatId chat, std::vector<std::string> audience, std::int64_t now) {
    co_return index_->known(chat, audience, now);
  }
  Async<> appended_on_loop(std::string chat, std::int64_t time, bool raised_lane) {
    index_->appended(chat, time, raised_lane);
    co_return;
  }
};

TEST_F(RedisIndexTest, ARaiseIsSeenByAllOfTheAudience) {
  connect(options_of(server_.endpoint()));
  EXPECT_EQ(limit("a:b", kNow), kNow + kIndexGrain);
  EXPECT_TRUE(raise(*index_, "a:c", {"follower", "a"}, kNow + 1));
  EXPECT_EQ(limit("d:d", kNow), kNow + kIndexGrain);
  EXPECT_THAT(rows("a"), ElementsAre(IndexRow{"a:c", kNow + 1}, IndexRow{"a:b", kNow}));
  EXPECT_THAT(rows("b"), ElementsAre(IndexRow{"a:b", kNow}));
  EXPECT_THAT(rows("follower"), ElementsAre(IndexRow{"a:c", kNow + 1}));
  EXPECT_THAT(rows("d"), ElementsAre(IndexRow{"d:d", kNow}));
  EXPECT_THAT(rows("nobody"), IsEmpty());
}

TEST_F(RedisIndexTest, RowsOnlyRise) {
  connect(options_of(server_.endpoint()));
  put("a", "a:b", kNow + 5);
  EXPECT_EQ(limit("a:b", kNow), kNow + kIndexGrain) << "what it asked for is all that it knows";
  EXPECT_THAT(rows("a"), ElementsAre(IndexRow{"a:b", kNow + 5}));
  EXPECT_THAT(rows("b"), ElementsAre(IndexRow{"a:b", kNow}));
}

TEST_F(RedisIndexTest, WhatWasRaisedLatelyIsKnownOnEveryLoop) {
  connect(options_of(server_.endpoint()));
  for (const std::size_t loop : {0, 1}) EXPECT_FALSE(known("a:b", kNow, loop));
  EXPECT_EQ(limit("a:b", kNow), kNow + kIndexGrain);
  for (const std::size_t loop : {0, 1}) {
    ASSERT_TRUE(known("a:b", kNow + 1, loop));
    EXPECT_EQ(known("a:b", kNow + 1, loop)->limit, kNow + kIndexGrain);
    EXPECT_TRUE(known("a:b", kNow + kIndexGrain / 2, loop));
    EXPECT_FALSE(known("a:b", kNow + kIndexGrain, loop)) << "early enough that no append is refused";
    EXPECT_FALSE(known("a:b", kNow, loop, {"c"})) << "another audience";
  }
  EXPECT_EQ(index_->counts().raised.value(), 2U);
}

TEST_F(RedisIndexTest, TheRowOfTheLanesFollowersIsRaisedOnceAGrain) {
  connect(options_of(server_.endpoint()));
  auto raised = raise(*index_, "a:b", {}, kNow);
  ASSERT_TRUE(raised);
  EXPECT_TRUE(raised->raise_lane);
  EXPECT_TRUE(known("a:b", kNow)->raise_lane) << "that append is not confirmed";
  appended("a:b", kNow + 3, true);
  EXPECT_FALSE(known("a:b", kNow + 3)->raise_lane);
  EXPECT_EQ(known("a:b", kNow + 3)->limit, kNow + kIndexGrain);
  // The row may also be the lowest of them all.
  const std::int64_t later = kNow + kIndexGrain * 8 / 10;
  raised = raise(*index_, "a:b", {}, later);
  ASSERT_TRUE(raised);
  EXPECT_FALSE(raised->raise_lane);
  EXPECT_EQ(raised->limit, kNow + 3 + kIndexGrain);
  EXPECT_EQ(known("a:b", later)->limit, kNow + 3 + kIndexGrain);
  EXPECT_TRUE(known("a:b", kNow + kIndexGrain)->raise_lane);
  EXPECT_EQ(known("a:b", kNow + kIndexGrain)->limit, later + kIndexGrain) << "the append raises the other one";
}

TEST_F(RedisIndexTest, ALaneThatIsAheadOfTheClockIsKeptUpWith) {
  connect(options_of(server_.endpoint()));
  constexpr std::int64_t kHour = 6 * kIndexGrain;
  EXPECT_EQ(limit("a:b", kNow), kNow + kIndexGrain);
  EXPECT_EQ(limit("a:b", kNow, kNow + kHour), kNow + kHour + kIndexGrain);  // the append was refused
  EXPECT_THAT(rows("a"), ElementsAre(IndexRow{"a:b", kNow + kHour}));
  appended("a:b", kNow + kHour, true);
  EXPECT_EQ(known("a:b", kNow)->limit, kNow + kHour + kIndexGrain);
  appended("a:b", kNow + 2 * kHour, false);  // other nodes have moved the lane
  EXPECT_FALSE(known("a:b", kNow));
  EXPECT_EQ(limit("a:b", kNow), kNow + 2 * kHour + kIndexGrain);
}

TEST_F(RedisIndexTest, AClockThatIsBrokenDoesNotCount) {
  connect(options_of(server_.endpoint()));
  EXPECT_EQ(limit("a:b", kMaxSendTime + 1), kMinSendTime + kIndexGrain);
  EXPECT_EQ(limit("c:d", -1), kMinSendTime + kIndexGrain);
  EXPECT_EQ(limit("e:f", kMaxSendTime), kMaxSendTime);
  EXPECT_EQ(rows("e").front().time, kMaxSendTime) << "exactly";
}

TEST_F(RedisIndexTest, WhatWasRememberedIsForgottenWithTheServersData) {
  connect(options_of(server_.endpoint()));
  (void)limit("a:b", kNow);
  appended("a:b", kNow, true);
  ASSERT_TRUE(known("a:b", kNow));
  identity_.forget();
  EXPECT_FALSE(known("a:b", kNow, 1));
  EXPECT_FALSE(known("a:b", kNow, 0));
  (void)limit("a:b", kNow);
  ASSERT_TRUE(known("a:b", kNow));
  EXPECT_TRUE(known("a:b", kNow)->raise_lane);
  server_.kill();
  redis::eventually("the server is missed", [&] { return !ready(); });
  EXPECT_FALSE(known("a:b", kNow));
  server_.start();
  redis::eventually("the server is back", [&] { return ready().has_value(); });
  (void)limit("a:b", kNow);
  EXPECT_TRUE(known("a:b", kNow));
  EXPECT_THAT(rows("a"), ElementsAre(IndexRow{"a:b", kNow}));
}

TEST_F(RedisIndexTest, NothingIsRaisedInAStoreThatIsGone) {
  connect(options_of(server_.endpoint()));
  identity_.lose("");
  const auto raised = raise(*index_, "a:b", {}, kNow);
  ASSERT_FALSE(raised);
  EXPECT_EQ(raised.error().code, ErrorCode::kUnavailable);
}

TEST_F(RedisIndexTest, AServerThatDoesNotAnswerHasStoredNothing) {
  connect(options_of(server_.endpoint()));
  server_.freeze();
  const auto raised = raise(*index_, "a:b", {}, kNow, 0, milliseconds(200));
  server_.thaw();
  ASSERT_FALSE(raised);
  EXPECT_EQ(raised.error().code, ErrorCode::kOverloaded) << "no append was begun";
  EXPECT_FALSE(known("a:b", kNow));
}

TEST_F(RedisIndexTest, ThoseWhoRaiseTheSameRowsShareIt) {
  connect(options_of(server_.endpoint()));
  server_.freeze();
  std::vector<std::future<Result<RedisRaised>>> raising;
  for (int i = 0; i < 20; ++i) raising.push_back(raise_later("a:b", {}, kNow + i));
  auto others = raise_later("a:b", {"c"}, kNow);
  auto later = raise_later("a:b", {}, kNow + kIndexGrain);
  server_.thaw();
  for (auto& one : raising) {
    const auto raised = one.get();
    ASSERT_TRUE(raised) << raised.error().detail;
    EXPECT_EQ(raised->limit, kNow + kIndexGrain);
  }
  EXPECT_EQ(others.get()->limit, kNow + kIndexGrain);
  EXPECT_EQ(later.get()->limit, kNow + 2 * kIndexGrain) << "the row of the others would have been too low";
  EXPECT_EQ(index_->counts().raised.value(), 7U) << "a and b, all three, and a and b";
  EXPECT_THAT(rows("a"), ElementsAre(IndexRow{"a:b", kNow + kIndexGrain}));
  EXPECT_THAT(rows("c"), ElementsAre(IndexRow{"a:b", kNow}));
}

TEST_F(RedisIndexTest, ARaiseThatTookTooLongForOneIsDoneForAnother) {
  connect(options_of(server_.endpoint()));
  server_.freeze();
  auto first = raise_later("a:b", {}, kNow, milliseconds(200));
  auto second = raise_later("a:b", {}, kNow);
  EXPECT_FALSE(first.get());
  server_.thaw();
  const auto raised = second.get();
  ASSERT_TRUE(raised) << raised.error().detail;
  EXPECT_EQ(raised->limit, kNow + kIndexGrain);
}

TEST_F(RedisIndexTest, TheTimesOfAStoreThatIsGoneAreNotKeptUpWith) {
  connect(options_of(server_.endpoint()));
  (void)limit("a:b", kNow);
  appended("a:b", kNow + 6 * kIndexGrain, true);
  EXPECT_EQ(limit("a:b", kNow), kNow + 7 * kIndexGrain);
  identity_.forget();
  EXPECT_EQ(limit("a:b", kNow), kNow + kIndexGrain);
}

TEST_F(RedisIndexTest, ARaiseWhoseAnswerIsCutIsRepeated) {
  BreakingLink link(server_.port());
  connect(options_of(link.endpoint()));
  for (std::int64_t at = 0; at == 0 || link.broke(); ++at) {
    link.break_answer(at);
    EXPECT_EQ(limit("a:b", kNow + at), kNow + at + kIndexGrain);
    EXPECT_THAT(rows("a"), ElementsAre(IndexRow{"a:b", kNow + at}));
    EXPECT_THAT(rows("b"), ElementsAre(IndexRow{"a:b", kNow + at}));
    ASSERT_LT(at, 1000);
  }
  link.break_answer(-1);
}

TEST_F(RedisIndexTest, ReplicasConfirmARaiseAlsoIfItChangedNothing) {
  const redis::RedisServer replica;
  replica.follow(server_);
  connect(options_of(server_.endpoint(), 1));
  EXPECT_EQ(limit("a:b", kNow), kNow + kIndexGrain);
  EXPECT_EQ(replica.ask({"ZSCORE", key_of("a"), "a:b"}).text, std::to_string(kNow));
  EXPECT_EQ(replica.field({"INFO", "commandstats"}, "cmdstat_persist"), "");
  const auto other = make_index();
  EXPECT_TRUE(raise(*other, "a:b", {}, kNow));
  EXPECT_NE(replica.field({"INFO", "commandstats"}, "cmdstat_persist"), "") << "a write for WAIT to count";
  EXPECT_EQ(server_.ask({"PTTL", key_of("a")}).integer, -1);

  replica.freeze();
  const auto unchanged = raise(*other, "a:b", {}, kNow, 0, milliseconds(300));
  const auto changed = raise(*other, "c:d", {}, kNow, 0, milliseconds(300));
  replica.thaw();
  EXPECT_FALSE(unchanged);
  EXPECT_FALSE(changed);
  EXPECT_FALSE(done(
      [](RedisIndex& index) -> Async<bool> { co_return index.known(chat_of("c:d"), {}, kNow).has_value(); }(*other)));
}

TEST_F(RedisIndexTest, PagesAreInTheOrderOfTimesAndNames) {
  connect(options_of(server_.endpoint()));
  std::mt19937 random(3);
  std::set<std::pair<std::int64_t, std::string>> all;
  for (int i = 0; i < 300; ++i) {
    const std::string chat = "chat" + std::to_string(i) + std::string(random() % 3, '\xC3');
    const std::int64_t time = kNow + static_cast<std::int64_t>(random() % 20);
    all.emplace(time, chat);
    put("a", chat, time);
  }
  std::vector<IndexRow> rising;
  for (const auto& [time, chat] : all) rising.push_back({chat, time});
  for (const bool oldest_first : {false, true}) {
    std::vector<IndexRow> expected = rising;
    if (!oldest_first) std::ranges::reverse(expected);
    for (const std::size_t limit : {1U, 7U, 300U}) {
      std::vector<IndexRow> found;
      IndexRange range{.limit = limit, .oldest_first = oldest_first};
      for (bool more = true; more;) {
        const IndexPage next = page("a", range);
        ASSERT_FALSE(next.rows.empty());
        ASSERT_LE(next.rows.size(), limit);
        found.insert(found.end(), next.rows.begin(), next.rows.end());
        range.after = next.rows.back();
        more = next.has_more;
      }
      ASSERT_EQ(found, expected);
    }
    for (int i = 0; i < 100; ++i) {
      // Behind a row that need not be there, down to any time.
      const IndexRow after{"chat" + std::to_string(random() % 300) + std::string(random() % 3, '\xFF'),
                           kNow - 2 + static_cast<std::int64_t>(random() % 24)};
      const std::int64_t least = kNow - 2 + static_cast<std::int64_t>(random() % 24);
      std::vector<IndexRow> wanted;
      for (const IndexRow& row : expected) {
        const auto place = std::pair(row.time, row.chat);
        const auto begin = std::pair(after.time, after.chat);
        if (row.time >= least && (oldest_first ? place > begin : place < begin)) wanted.push_back(row);
      }
      ASSERT_EQ(rows("a", {.least = least, .after = after, .limit = 1000, .oldest_first = oldest_first}), wanted);
    }
  }
  EXPECT_THAT(rows("a", {.least = kNow + 20}), IsEmpty());
}

/// With one loop, and so one connection.
class RedisIndexReplyTest : public RedisIndexTest {
 protected:
  RedisIndexReplyTest() : RedisIndexTest(1) {}
};

TEST_F(RedisIndexReplyTest, ServersMayWriteTimesWithAnExponent) {
  redis::FakeRedis fake;
  redis::ClientOptions options = options_of(fake.endpoint());
  options.patience = options.watch = milliseconds(20'000);  // nothing happens by itself
  auto started = start_later(std::move(options));
  redis::FakeConnection server = fake.accept().ready();
  ASSERT_TRUE(started.get());
  index_ = make_index();
  const std::vector<std::pair<std::string, std::int64_t>> scores{{"1.7e+15", kNow},
                                                                 {"1700000000000000", kNow},
                                                                 {"9007199254740991", kMaxSendTime},
                                                                 {"1.7000000000000001e+15", kNow},
                                                                 {"0", 0}};
  for (const auto& [score, time] : scores) {
    auto asking = spawn(index_->index("a", {}, in(milliseconds(20'000))));
    (void)server.receive();
    server.answer("*2\r\n$3\r\na:b\r\n$" + std::to_string(score.size()) + "\r\n" + score + "\r\n");
    const auto found = asking.get();
    ASSERT_TRUE(found) << score << ": " << found.error().detail;
    EXPECT_THAT(found->rows, ElementsAre(IndexRow{"a:b", time})) << score;
  }
  for (const std::string score : {"inf", "-1", "1.5", "x", "", "1e300"}) {
    auto asking = spawn(index_->index("a", {}, in(milliseconds(20'000))));
    (void)server.receive();
    server.answer("*2\r\n$3\r\na:b\r\n$" + std::to_string(score.size()) + "\r\n" + score + "\r\n");
    EXPECT_FALSE(asking.get()) << score;
  }
}

TEST_F(RedisIndexTest, AnIndexOfAnotherTypeIsUnavailable) {
  connect(options_of(server_.endpoint()));
  (void)server_.ask({"SET", key_of("a"), "x"});
  const auto found = done(index_->index("a", {}, in(milliseconds(20'000))));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(found.error().detail, HasSubstr("WRONGTYPE"));
  const auto raised = raise(*index_, "a:b", {}, kNow);
  ASSERT_FALSE(raised);
  EXPECT_EQ(raised.error().code, ErrorCode::kUnavailable);
}

TEST_F(RedisIndexTest, ARaiseRingsTheBellOfEachUser) {
  connect(options_of(server_.endpoint()));
  std::promise<void> heard;
  auto listening = net::run_on(loops_[0], [&] { return bell_.listen_to_user("b", [&heard] { heard.set_value(); }); });
  (void)limit("a:b", kNow);
  heard.get_future().get();
  net::run_on(loops_[0], [&] { listening.reset(); });
}

}  // namespace
}  // namespace parley::store
