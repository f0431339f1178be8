#include "app/store_url.h"

#include <gtest/gtest.h>

namespace parley::app {
namespace {

using enum redis::Topology;

TEST(StoreUrl, ReadsEveryKind) {
  EXPECT_EQ(parse_store_url("memory:"), StoreUrl(MemoryStoreUrl{}));
  EXPECT_EQ(parse_store_url("rocksdb:parley-data"), StoreUrl(RocksdbStoreUrl{"parley-data"}));
  EXPECT_EQ(parse_store_url("rocksdb:/a b/c:d"), StoreUrl(RocksdbStoreUrl{"/a b/c:d"}));
  EXPECT_EQ(parse_store_url("redis://h:6379"), StoreUrl(RedisStoreUrl{kSingle, false, "", "", {{"h", 6379}}, ""}));
  EXPECT_EQ(parse_store_url("rediss://u:p@/x:@h:1/2"),
            StoreUrl(RedisStoreUrl{kSingle, true, "u", "p@/x:", {{"h", 1}}, "2"}));
  EXPECT_EQ(parse_store_url("redis+cluster://a:1,b:2"),
            StoreUrl(RedisStoreUrl{kCluster, false, "", "", {{"a", 1}, {"b", 2}}, ""}));
  EXPECT_EQ(parse_store_url("redis+sentinel://[::1]:1/main"),
            StoreUrl(RedisStoreUrl{kSentinel, false, "", "", {{"::1", 1}}, "main"}));
  EXPECT_EQ(parse_store_url("rediss+cluster://a:1"), StoreUrl(RedisStoreUrl{kCluster, true, "", "", {{"a", 1}}, ""}));
  EXPECT_EQ(parse_store_url("rediss+sentinel://a:1/main"),
            StoreUrl(RedisStoreUrl{kSentinel, true, "", "", {{"a", 1}}, "main"}));
}

TEST(StoreUrl, RefusesWhatIsNone) {
  for (const char* text : {"", "rocksdb", "rocksdb:", "memory", "memory:x", "redis:", "redis://", "redis://h",
                           "redis://h:0", "redis://h:1,h:2", "redis://h:1/x", "redis+cluster://a:1,",
                           "redis+cluster://a:1/0", "redis+sentinel://a:1", "http://h:1", "valkey://h:1"}) {
    EXPECT_FALSE(parse_store_url(text)) << text;
  }
}

TEST(StoreUrl, ReadsBackends) {
  const std::vector<net::Endpoint> two = {{"a", 1}, {"b", 2}};
  EXPECT_EQ(parse_backend_url("thrift://a:1,b:2"), (BackendUrl{two, false}));
  EXPECT_EQ(parse_backend_url("thrifts://a:1,b:2"), (BackendUrl{two, true}));
  for (const char* text : {"", "thrift://", "thrift://a", "thrift://u@a:1", "thrift://a:1/x", "a:1", "redis://a:1"}) {
    EXPECT_FALSE(parse_backend_url(text)) << text;
  }
}

TEST(StoreUrl, ShowsNoPassword) {
  EXPECT_EQ(without_password("redis://u:p@/x:@h:1/2"), "redis://u@h:1/2");
  EXPECT_EQ(without_password("redis://:p@h:1"), "redis://h:1");
  EXPECT_EQ(without_password("redis://h:1"), "redis://h:1");
  EXPECT_EQ(without_password("rocksdb:a@b"), "rocksdb:a@b");
}

}  // namespace
}  // namespace parley::app
