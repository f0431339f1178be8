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

}  // namespace
}  // namespace parley::store
