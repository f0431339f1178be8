#include "store/redis/lanes.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "redis/client.h"

namespace parley::store {
namespace {

TEST(RedisLanesTest, NamesStayWhereTheyAre) {
  // These are on servers: a lane that changes loses what lies there.
  EXPECT_EQ(redis_lane_of("alice", 32), 28U);
  EXPECT_EQ(redis_lane_of("alice:bob", 32), 3U);
  EXPECT_EQ(redis_lane_of("alice:bob", 64), 3U);
  EXPECT_EQ(redis_lane_of("", 7), 6U);
  EXPECT_EQ(redis_key(0, RedisKey::kClock), "parley:{NB}:t");
  EXPECT_EQ(redis_key(12, RedisKey::kIndex, "}{alice"), "parley:{cp}:i}{alice");
}

TEST(RedisLanesTest, NamesSpread) {
  constexpr std::size_t kLanes = 64;
  constexpr std::size_t kEach = 200;
  std::vector<std::size_t> found(kLanes);
  for (std::size_t i = 0; i < kLanes * kEach; ++i) ++found.at(redis_lane_of("user" + std::to_string(i), kLanes));
  const auto [least, most] = std::ranges::minmax(found);
  EXPECT_GT(least, kEach / 2);
  EXPECT_LT(most, kEach * 2);
}

TEST(RedisLanesTest, WhoFollowsALaneHasItsIndexThere) {
  for (std::size_t lane = 0; lane < 64; ++lane) {
    EXPECT_EQ(redis_lane_of_index("lane:" + std::to_string(lane), 64), lane);
  }
  EXPECT_LT(redis_lane_of_index("lane:64", 64), 64U);
  EXPECT_EQ(redis_lane_of_index("alice", 64), redis_lane_of("alice", 64));
}

TEST(RedisLanesTest, EachLaneHasAShortTagOfItsOwn) {
  std::set<std::string> tags;
  for (std::size_t lane = 0; lane < kMaxRedisLanes; ++lane) {
    const std::string key = redis_key(lane, RedisKey::kClock);
    EXPECT_THAT(key, testing::MatchesRegex("parley:\\{[0-9A-Za-z][0-9A-Za-z]?\\}:t"));
    EXPECT_TRUE(tags.insert(key).second) << key;
  }
}

TEST(RedisLanesTest, KeysOfALaneShareItsSlot) {
  for (std::size_t lane = 0; lane < kMaxRedisLanes; ++lane) {
    const std::uint16_t slot = redis::hash_slot(redis_key(lane, RedisKey::kClock));
    EXPECT_EQ(redis::hash_slot(redis_key(lane, RedisKey::kLog, "}{alice")), slot);
    EXPECT_EQ(redis::hash_slot(redis_key(lane, RedisKey::kIndex, "")), slot);
  }
}

TEST(RedisLanesTest, LanesSpreadOverAClusterHoweverManyTheyAre) {
  for (const std::size_t lanes : {16U, 32U, 48U, 64U}) {
    for (const std::size_t masters : {2U, 3U, 5U}) {
      std::vector<std::size_t> found(masters);
      for (std::size_t lane = 0; lane < lanes; ++lane) {
        ++found[redis::hash_slot(redis_key(lane, RedisKey::kClock)) * masters / 16384];
      }
      const auto [least, most] = std::ranges::minmax(found);
      EXPECT_LE(most - least, 2U) << lanes << " lanes, " << masters << " masters";
    }
  }
}

}  // namespace
}  // namespace parley::store
