#include "store/redis/lane_ids.h"

#include <gmock/gmock.h>

#include "store/redis/lanes.h"
#include "store/redis/parts_fixture.h"
#include "store/redis/store_fixture.h"

namespace parley::store {
namespace {

constexpr std::size_t kLanes = 16;

class RedisLaneIdsTest : public RedisPartsTest {
 protected:
  RedisLaneIdsTest() {
    redis::ClientOptions options = options_of(masters_.endpoint());
    options.topology = redis::Topology::kCluster;
    connect(options);
    identity_.set_lanes(kLanes);
  }
  ~RedisLaneIdsTest() override { stop(); }

  void learn(RedisLaneIds& ids) {
    const auto learnt = done(ids.learn(in(milliseconds(20'000))));
    EXPECT_TRUE(learnt) << learnt.error().detail;
  }
  bool changed(RedisLaneIds& ids) { return done(ids.look(milliseconds(20'000))).changed; }
  /// What is seen on each of the servers, before calls go there.
  std::vector<bool> changed_on_servers(RedisLaneIds& ids) {
    std::vector<bool> out;
    done(visit(ids, out));
    return out;
  }

  RedisMasters masters_;

 private:
  Async<> visit(RedisLaneIds& ids, std::vector<bool>& out) {
    co_await client_->visit_masters(milliseconds(20'000),
                                    [&](const std::string&, redis::Ask ask) { return look(ids, std::move(ask), out); });
  }
  static Async<> look(RedisLaneIds& ids, redis::Ask ask, std::vector<bool>& out) {
    out.push_back(co_await ids.changed_on(std::move(ask)));
  }
};

TEST_F(RedisLaneIdsTest, TheDataOfOneServerAreMissed) {
  RedisLaneIds ids(*client_, identity_);
  RedisIdentity identity_of_another_node;
  identity_of_another_node.set_lanes(kLanes);
  RedisLaneIds of_another_node(*client_, identity_of_another_node);
  learn(ids);
  learn(of_another_node);
  EXPECT_FALSE(changed(ids));
  EXPECT_THAT(changed_on_servers(ids), testing::Each(false));
  (void)masters_.server(1).ask({"FLUSHALL"});
  EXPECT_THAT(changed_on_servers(ids), testing::UnorderedElementsAre(false, true, false));
  EXPECT_TRUE(changed(ids));
  EXPECT_FALSE(changed(ids)) << "it has learnt the new ones";
  EXPECT_TRUE(changed(of_another_node)) << "although they are there again";
  EXPECT_FALSE(changed(of_another_node));
  EXPECT_FALSE(changed(ids));
}

TEST_F(RedisLaneIdsTest, AServerThatDoesNotAnswerHasLostNothing) {
  RedisLaneIds ids(*client_, identity_);
  learn(ids);
  masters_.server(2).freeze();
  EXPECT_FALSE(done(ids.look(milliseconds(200))).changed);
  masters_.server(2).thaw();
  EXPECT_FALSE(changed(ids));
}

}  // namespace
}  // namespace parley::store
