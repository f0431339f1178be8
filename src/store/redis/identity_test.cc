#include "store/redis/identity.h"

#include <gtest/gtest.h>

namespace parley::store {
namespace {

TEST(RedisIdentity, DataThatComeBackAreServedAtOnce) {
  RedisIdentity identity;
  identity.begin("a");
  identity.lose("");
  EXPECT_FALSE(identity.settled());
  identity.confirm({});
  EXPECT_TRUE(identity.settled());
  EXPECT_EQ(identity.id(), "a");
  EXPECT_EQ(identity.fault(), "");
}

/// A connection that was looked at late may still show the store before.
TEST(RedisIdentity, WhatIsFoundDuringThePauseDoesNotEndIt) {
  const Deadline start{std::chrono::hours(1)};
  RedisIdentity identity;
  identity.begin("a");
  identity.lose("b");
  identity.adopt("b", false, start);
  identity.lose("a");
  identity.confirm(start + RedisIdentity::kPause - std::chrono::milliseconds(1));
  EXPECT_FALSE(identity.settled()) << "other processes may not have noticed yet";
  EXPECT_EQ(identity.id(), "b");
  identity.confirm(start + RedisIdentity::kPause);
  EXPECT_TRUE(identity.settled());
}

TEST(RedisIdentity, WhatWasRememberedGoesWithTheIdOfALane) {
  RedisIdentity identity;
  EXPECT_TRUE(identity.set_lane_id(3, "one"));
  const std::uint64_t forgotten = identity.forgotten();
  const std::uint64_t epoch = identity.lane_ids()->at(3).epoch;
  EXPECT_FALSE(identity.set_lane_id(3, "one"));
  EXPECT_EQ(identity.forgotten(), forgotten);
  EXPECT_EQ(identity.lane_ids()->at(3).epoch, epoch);
  EXPECT_TRUE(identity.set_lane_id(3, "two"));
  EXPECT_NE(identity.forgotten(), forgotten);
  EXPECT_NE(identity.lane_ids()->at(3).epoch, epoch);
  EXPECT_EQ(identity.lane_ids()->at(4).epoch, 0U);
}

}  // namespace
}  // namespace parley::store
