// A master that Sentinel replaces.
#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "redis/client_fixture.h"
#include "redis/redis_topology_fixture.h"

namespace parley::redis {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::HasSubstr;

class SentinelTest : public ClientTest {
 protected:
  SentinelTest() {
    ClientOptions options{.topology = Topology::kSentinel, .master = "mymaster", .patience = milliseconds(20'000)};
    for (const auto& sentinel : servers_.sentinels()) options.servers.push_back(sentinel->endpoint());
    EXPECT_TRUE(start(options));
    EXPECT_EQ(call({"SET", "key", "before"}).outcome, Outcome::kAnswered);
  }

  /// Fails over by `fault`; how long after the promotion the first call was answered.
  milliseconds fail_over(const std::function<void(RedisServer&)>& fault) {
    RedisServer& old = servers_.master();
    fault(old);
    auto promoted = std::async(std::launch::async, [this, &old] {
      eventually("another server is the master", [&] { return &servers_.master() != &old; });
      return steady_clock::now();
    });
    CallResult result;
    while (result.outcome != Outcome::kAnswered) {
      result = call({"SET", "key", "after"}, {.deadline = in(milliseconds(500))});
    }
    const auto answered = steady_clock::now();
    return std::chrono::duration_cast<milliseconds>(answered - promoted.get());
  }

  RedisSentinels servers_{2, 3};
};

TEST_F(SentinelTest, AMasterThatIsKilledIsReplaced) {
  const milliseconds time = fail_over([](RedisServer& master) { master.kill(); });
  EXPECT_LT(time, milliseconds(1'000)) << "from the promotion to the first answer";
  RecordProperty("milliseconds", static_cast<int>(time.count()));
  EXPECT_EQ(servers_.master().ask({"GET", "key"}).text, "after");
  EXPECT_TRUE(ready());
}

TEST_F(SentinelTest, AMasterThatIsFrozenIsReplaced) {
  auto unanswered = std::future<CallResult>();
  const milliseconds time = fail_over([&](RedisServer& master) {
    master.freeze();
    unanswered = call_later({"SET", "key", "lost"});
    // It is on its way before the master is replaced, so that it is the old one's.
    EXPECT_EQ(call({"GET", "key"}, {.deadline = in(milliseconds(100))}).outcome, Outcome::kExpired);
  });
  EXPECT_LT(time, milliseconds(1'000)) << "from the promotion to the first answer";
  const CallResult lost = unanswered.get();
  EXPECT_EQ(lost.outcome, Outcome::kLost);
  EXPECT_TRUE(lost.sent);
}

TEST_F(SentinelTest, SentinelsStandInForEachOther) {
  servers_.sentinels()[0]->kill();
  servers_.sentinels()[1]->freeze();
  EXPECT_EQ(call({"SET", "key", "x"}).outcome, Outcome::kAnswered);
  ClientOptions options{.topology = Topology::kSentinel, .master = "mymaster"};
  for (const auto& sentinel : servers_.sentinels()) options.servers.push_back(sentinel->endpoint());
  EXPECT_TRUE(start(options));
  options.master = "another";
  EXPECT_THAT(complaint(options, milliseconds(4'000)), HasSubstr("the sentinel knows no master named another"));
}

}  // namespace
}  // namespace parley::redis
