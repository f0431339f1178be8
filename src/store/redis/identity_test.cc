#include "store/redis/identity.h"

#include <gtest/gtest.h>

namespace parley::store {
namespace {

TEST(RedisIdentity, DataThatComeBackAreServedAtOnce) {
  RedisIdentity identity;
  identity.begin("a");
  identity.lose("");
  EXPECT_FALSE(identity.settled());
  identity.confirm();
  EXPECT_TRUE(identity.settled());
  EXPECT_EQ(identity.id(), "a");
  EXPECT_EQ(identity.fault(), "");
}

/// A connection that was looked at late may still show the store before.
TEST(RedisIdentity, WhatIsFoundDuringThePauseDoesNotEndIt) {
  RedisIdentity identity;
  identity.begin("a");
  identity.lose("b");
  identity.adopt("b", false);
  identity.lose("a");
  identity.confirm();
  EXPECT_FALSE(identity.settled()) << "other processes may not have noticed yet";
  EXPECT_EQ(identity.id(), "b");
}

}  // namespace
}  // namespace parley::store
