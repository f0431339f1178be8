#include "store/redis/key_generations.h"

#include <string>

#include <gtest/gtest.h>

namespace parley::store {
namespace {

RedisKeyGenerations parsed(const std::string& text) {
  const auto out = RedisKeyGenerations::parse(text);
  EXPECT_TRUE(out) << text;
  return out.value_or(RedisKeyGenerations());
}

TEST(RedisKeyGenerations, AreReadAsTheyStandInTheClock) {
  EXPECT_TRUE(parsed("").empty());
  const auto two = parsed("12:256,11:64");
  ASSERT_EQ(two.all().size(), 2U);
  EXPECT_EQ(two.all()[0].number, 12U);
  EXPECT_EQ(two.all()[0].buckets, 256U);
  EXPECT_EQ(two.all()[1].buckets, 64U);
  EXPECT_EQ(two.text(), "12:256,11:64");
  for (const char* const text : {"x", "1", "1:", "1:0", "1:64,", "1:64;2:64", "1:64 ", ":64", "1:99999999"}) {
    EXPECT_FALSE(RedisKeyGenerations::parse(text)) << text;
  }
}

TEST(RedisKeyGenerations, GrowWhenTheyAreFull) {
  EXPECT_EQ(parsed("").next(true).number, 1U);
  EXPECT_EQ(parsed("").next(true).buckets, RedisKeyGenerations::kLeastBuckets);
  EXPECT_EQ(parsed("").room(), 0U);
  EXPECT_EQ(parsed("").few(), 0U);
  EXPECT_EQ(parsed("7:64").next(false).buckets, 64U);
  EXPECT_EQ(parsed("7:64").next(true).number, 8U);
  EXPECT_EQ(parsed("7:64").next(true).buckets, 256U);
  EXPECT_EQ(parsed("7:64").room(), 64 * RedisKeyGenerations::kKeysOfBucket);
  EXPECT_EQ(parsed("7:524288").next(true).buckets, 524288U);
  EXPECT_EQ(parsed("7:1024").fewer(), 256U);
  EXPECT_EQ(parsed("7:64").fewer(), 64U);
  EXPECT_LT(parsed("7:1024").few(), parsed("7:256").room());
}

TEST(RedisKeyGenerations, AreNotMoreThanAFewBecauseTheyAreFull) {
  std::string text = "1:64";
  for (std::size_t i = 2; i <= RedisKeyGenerations::kMostGenerations; ++i) {
    EXPECT_TRUE(parsed(text).may_grow()) << text;
    text = std::to_string(i) + ":64," + text;
  }
  EXPECT_FALSE(parsed(text).may_grow());
}

TEST(RedisKeyGenerations, BucketsFollowThePrint) {
  const RedisKeyGenerations::Generation generation{.number = 3, .buckets = 64};
  const std::string print("abcdefgh\0\0\0\x41mnop", 16);
  const std::string bucket = RedisKeyGenerations::bucket(5, generation, print);
  EXPECT_TRUE(bucket.ends_with(":k3.1")) << bucket;
  EXPECT_TRUE(RedisKeyGenerations::key(5, generation).ends_with(":g3"));
}

TEST(RedisKeyGenerations, OutliveTheWindow) {
  const auto times = redis_key_times(std::chrono::hours(24));
  EXPECT_GT(times.least, std::chrono::hours(24));
  EXPECT_GE(times.lives - times.least, std::chrono::hours(24));
}

}  // namespace
}  // namespace parley::store
