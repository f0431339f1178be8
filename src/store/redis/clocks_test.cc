#include "store/redis/clocks.h"

#include <gmock/gmock.h>

#include "store/redis/lanes.h"
#include "store/redis/parts_fixture.h"
#include "store/redis/store_fixture.h"

namespace parley::store {
namespace {

using Times = std::vector<std::int64_t>;

class RedisClocksTest : public RedisPartsTest {
 protected:
  RedisClocksTest() { identity_.set_lanes(3); }
  ~RedisClocksTest() override {
    client_->stop();
    clocks_.reset();
    stop();
  }

  void connect(redis::ClientOptions options) {
    const bool one_server = options.topology != redis::Topology::kCluster;
    RedisPartsTest::connect(std::move(options));
    clocks_ = std::make_unique<RedisClocks>(*client_, identity_, loops_, one_server);
  }
  Result<Times> ask(Clocks which, milliseconds time = milliseconds(20'000)) {
    return done(clocks_->clocks(which, in(time)));
  }
  Times times(Clocks which) {
    const auto found = ask(which);
    EXPECT_TRUE(found) << found.error().detail;
    return found ? *found : Times{};
  }
  static void set(const redis::RedisServer& server, std::size_t lane, std::int64_t clock, std::int64_t known = 0) {
    const std::string key = redis_key(lane, RedisKey::kClock);
    (void)server.ask({"HSET", key, "t", std::to_string(clock)});
    if (known != 0) (void)server.ask({"HSET", key, "k", std::to_string(known)});
  }

  std::unique_ptr<RedisClocks> clocks_;
};

TEST_F(RedisClocksTest, IfNobodyConfirmsTheyAreTheLanesClocks) {
  connect(options_of(server_.endpoint()));
  EXPECT_EQ(times(Clocks::kKnown), Times({0, 0, 0}));
  set(server_, 1, kNow, kNow - 5);
  clocks_->confirmed(1, kNow + 5, identity_.losses());
  EXPECT_EQ(clocks_->known(1), 0);
  EXPECT_EQ(times(Clocks::kKnown), Times({0, kNow, 0}));
  EXPECT_EQ(times(Clocks::kNewest), Times({0, kNow, 0}));
}

TEST_F(RedisClocksTest, WhatIsBehindIsConfirmedByTheReader) {
  const redis::RedisServer replica;
  replica.follow(server_);
  connect(options_of(server_.endpoint(), 1));
  set(server_, 0, kNow, kNow);
  set(server_, 1, kNow + 1, kNow - 5);
  for (const Clocks which : {Clocks::kKnown, Clocks::kNewest}) {
    EXPECT_EQ(times(which), Times({kNow, kNow + 1, 0}));
    EXPECT_EQ(clocks_->known(1), kNow + 1);
    EXPECT_EQ(clocks_->known(2), 0);
    set(server_, 1, kNow + 1, kNow - 5);
  }
  EXPECT_NE(replica.field({"INFO", "commandstats"}, "cmdstat_persist"), "") << "a write for WAIT to count";
}

TEST_F(RedisClocksTest, WithoutTheReplicasOnlyWhatIsKnownCounts) {
  const redis::RedisServer replica;
  replica.follow(server_);
  connect(options_of(server_.endpoint(), 1));
  set(server_, 0, kNow, kNow - 5);
  set(server_, 1, kNow);
  set(server_, 2, kNow, kNow);
  replica.freeze();
  EXPECT_EQ(times(Clocks::kKnown), Times({kNow - 5, 0, kNow}));
  clocks_->confirmed(1, kNow - 2, identity_.losses());
  EXPECT_EQ(times(Clocks::kKnown), Times({kNow - 5, kNow - 2, kNow}));
  EXPECT_FALSE(ask(Clocks::kNewest, milliseconds(300)));
  replica.thaw();
  EXPECT_EQ(times(Clocks::kNewest), Times({kNow, kNow, kNow}));
}

TEST_F(RedisClocksTest, IfAllIsKnownToBeConfirmedNobodyWaitsForReplicas) {
  const redis::RedisServer replica;
  replica.follow(server_);
  connect(options_of(server_.endpoint(), 1));
  for (const std::size_t lane : {0, 1}) set(server_, lane, kNow, kNow);
  set(server_, 2, kNow);
  clocks_->confirmed(2, kNow, identity_.losses());
  replica.freeze();
  EXPECT_EQ(times(Clocks::kNewest), Times({kNow, kNow, kNow}));
  replica.thaw();
}

TEST_F(RedisClocksTest, WhatWasKnownOfAnotherStoreIsNothing) {
  const redis::RedisServer replica;
  replica.follow(server_);
  connect(options_of(server_.endpoint(), 1));
  clocks_->confirmed(1, kNow, identity_.losses());
  clocks_->confirmed(1, kNow - 1, identity_.losses());
  EXPECT_EQ(clocks_->known(1), kNow);
  const std::uint64_t before = identity_.losses();
  identity_.lose("");
  EXPECT_EQ(clocks_->known(1), 0);
  clocks_->confirmed(1, kNow, before);
  EXPECT_EQ(clocks_->known(1), 0);
  EXPECT_FALSE(ask(Clocks::kKnown));
  clocks_->confirmed(0, 7, identity_.losses());
  EXPECT_EQ(clocks_->known(0), 7);
  EXPECT_EQ(clocks_->known(1), 0);
  EXPECT_TRUE(identity_.set_lane_id(0, "another"));
  EXPECT_EQ(clocks_->known(0), 0) << "the lane's data were lost";
}

TEST_F(RedisClocksTest, ManyWhoAskShareALook) {
  connect(options_of(server_.endpoint()));
  set(server_, 1, kNow);
  std::vector<std::future<Result<Times>>> asking;
  for (int i = 0; i < 1000; ++i) asking.push_back(spawn(clocks_->clocks(Clocks::kKnown, in(milliseconds(20'000)))));
  for (auto& one : asking) EXPECT_EQ(one.get(), Times({0, kNow, 0}));
  const std::string calls = server_.field({"INFO", "commandstats"}, "cmdstat_evalsha");
  EXPECT_THAT(calls, testing::StartsWith("calls="));
  EXPECT_LT(std::stoi(calls.substr(6)), 900);
}

TEST_F(RedisClocksTest, ALookEndsAtTheDeadline) {
  connect(options_of(server_.endpoint()));
  server_.freeze();
  const auto late = ask(Clocks::kNewest, milliseconds(200));
  server_.thaw();
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kOverloaded);
  EXPECT_EQ(times(Clocks::kNewest), Times({0, 0, 0}));
}

TEST_F(RedisClocksTest, WhatIsNoClockIsUnavailable) {
  connect(options_of(server_.endpoint()));
  (void)server_.ask({"HSET", redis_key(1, RedisKey::kClock), "t", "soon"});
  const auto found = ask(Clocks::kKnown);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::kUnavailable);
}

TEST_F(RedisClocksTest, LanesMayLieInACluster) {
  const RedisMasters masters;
  identity_.set_lanes(16);
  redis::ClientOptions options = options_of(masters.endpoint());
  options.topology = redis::Topology::kCluster;
  connect(options);
  Times expected(16);
  for (std::size_t lane = 0; lane < expected.size(); ++lane) {
    expected[lane] = kNow + static_cast<std::int64_t>(lane);
    const std::string key = redis_key(lane, RedisKey::kClock);
    EXPECT_TRUE(call({"HSET", key, "t", std::to_string(expected[lane])}).sent);
  }
  EXPECT_EQ(times(Clocks::kKnown), expected);
  EXPECT_EQ(times(Clocks::kNewest), expected);
}

}  // namespace
}  // namespace parley::store
