#include "store/redis/url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley::store {
namespace {

using enum redis::Topology;

TEST(RedisStoreUrl, ReadsEveryKind) {
  EXPECT_EQ(parse_redis_store_url("redis://h:6379"), (RedisStoreUrl{kSingle, false, "", "", {{"h", 6379}}, ""}));
  EXPECT_EQ(parse_redis_store_url("rediss://u:p@/x:@h:1/2"),
            (RedisStoreUrl{kSingle, true, "u", "p@/x:", {{"h", 1}}, "2"}));
  EXPECT_EQ(parse_redis_store_url("redis+cluster://a:1,b:2"),
            (RedisStoreUrl{kCluster, false, "", "", {{"a", 1}, {"b", 2}}, ""}));
  EXPECT_EQ(parse_redis_store_url("redis+sentinel://[::1]:1/main"),
            (RedisStoreUrl{kSentinel, false, "", "", {{"::1", 1}}, "main"}));
  EXPECT_EQ(parse_redis_store_url("rediss+cluster://a:1"), (RedisStoreUrl{kCluster, true, "", "", {{"a", 1}}, ""}));
  EXPECT_EQ(parse_redis_store_url("rediss+sentinel://a:1/main"),
            (RedisStoreUrl{kSentinel, true, "", "", {{"a", 1}}, "main"}));
}

TEST(RedisStoreUrl, RefusesWhatIsNone) {
  for (const char* text : {"", "rocksdb", "rocksdb:", "memory", "memory:x", "redis:", "redis://", "redis://h",
                           "redis://h:0", "redis://h:1,h:2", "redis://h:1/x", "redis+cluster://a:1,",
                           "redis+cluster://a:1/0", "redis+sentinel://a:1", "http://h:1", "valkey://h:1"}) {
    EXPECT_FALSE(parse_redis_store_url(text)) << text;
  }
}

}  // namespace
}  // namespace parley::store
