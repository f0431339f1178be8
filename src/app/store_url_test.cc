#include "app/store_url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley::app {
namespace {

using enum redis::Topology;
using testing::AllOf;
using testing::HasSubstr;

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

TEST(StoreUrl, RefusesPathsThatMeanSomethingElseToTheReader) {
  const auto why = [](const char* text) {
    const auto url = parse_store_url(text);
    return url ? std::string("taken") : url.error();
  };
  EXPECT_THAT(why("rocksdb://data"), AllOf(HasSubstr("write rocksdb:data "), HasSubstr("rocksdb:/data ")));
  EXPECT_THAT(why("rocksdb:~/data"), HasSubstr("write the whole path"));
  EXPECT_THAT(why("rocksdb:~"), HasSubstr("write the whole path"));
  EXPECT_THAT(why("rocksdb:$HOME/data"), HasSubstr("write the whole path"));
  EXPECT_THAT(why("rocksdb: data"), HasSubstr("space"));
  EXPECT_THAT(why("rocksdb:"), HasSubstr("write rocksdb:PATH"));
  EXPECT_EQ(parse_store_url("rocksdb:///var/lib/parley"), StoreUrl(RocksdbStoreUrl{"/var/lib/parley"}));
  EXPECT_EQ(parse_store_url("rocksdb:a~b"), StoreUrl(RocksdbStoreUrl{"a~b"}));
}

TEST(StoreUrl, SaysWhatToWriteInstead) {
  const auto why = [](const char* text) { return parse_store_url(text).error(); };
  EXPECT_THAT(why("/var/lib/parley"), HasSubstr("write rocksdb:/var/lib/parley"));
  EXPECT_THAT(why("parley-data"), HasSubstr("write rocksdb:parley-data"));
  EXPECT_THAT(why("memory"), HasSubstr("write memory:"));
  EXPECT_THAT(why("memory://"), HasSubstr("write memory:"));
  EXPECT_THAT(why("RocksDB:data"), HasSubstr("rocksdb:PATH"));
  EXPECT_THAT(why("redis:h:6379"), HasSubstr("redis://HOST:PORT"));
  EXPECT_THAT(why("valkey://h:6379"), HasSubstr("redis://HOST:PORT"));
  EXPECT_THAT(why("thrift://h:8888"), HasSubstr("--backend"));
  EXPECT_THAT(why("postgres://h/db"), HasSubstr("no such kind"));
  EXPECT_THAT(parse_backend_url("http://h:80").error(), HasSubstr("write thrift://HOST:PORT"));
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
