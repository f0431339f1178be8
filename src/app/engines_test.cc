#include "app/engines.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rpc/client/backend_url.h"

namespace parley::app {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(Engines, EachUrlIsTakenByOne) {
  const Engines engines = make_engines();
  for (const char* url : {"memory:", "rocksdb:parley-data", "rocksdb:/a b/c:d", "redis://h:6379", "rediss://u:p@h:1/2",
                          "redis+cluster://a:1,b:2", "rediss+sentinel://a:1/main"}) {
    const auto takers = std::ranges::count_if(engines, [url](const auto& engine) { return engine.takes(url); });
    EXPECT_EQ(takers, 1) << url;
    EXPECT_TRUE(check_store_url(engines, url)) << url;
  }
  EXPECT_EQ(find_engine(engines, "memory:")->promise, "memory");
  EXPECT_TRUE(find_engine(engines, "rocksdb:/x")->embedded);
  EXPECT_TRUE(find_engine(engines, "redis://h:1")->urls.starts_with("redis://"));
}

TEST(Engines, NoneTakesWhatNamesNoStore) {
  const Engines engines = make_engines();
  for (const char* url : {"", "rocksdb", "rocksdb:", "memory", "memory:x", "redis:", "redis://h", "http://h:1"}) {
    EXPECT_FALSE(check_store_url(engines, url)) << url;
  }
}

TEST(Engines, EachSaysWhatItsUrlsLookLikeAndCanBeOpenedAndLookedAt) {
  for (const store::Engine& engine : make_engines()) {
    EXPECT_NE(engine.urls, "");
    EXPECT_TRUE(engine.open && engine.look) << engine.urls;
  }
}

TEST(Engines, RefusesPathsThatMeanSomethingElseToTheReader) {
  const auto why = [](const char* text) {
    const auto url = check_store_url(make_engines(), text);
    return url ? std::string("taken") : url.error();
  };
  EXPECT_THAT(why("rocksdb://data"), AllOf(HasSubstr("write rocksdb:data "), HasSubstr("rocksdb:/data ")));
  EXPECT_THAT(why("rocksdb:~/data"), HasSubstr("write the whole path"));
  EXPECT_THAT(why("rocksdb:~"), HasSubstr("write the whole path"));
  EXPECT_THAT(why("rocksdb:$HOME/data"), HasSubstr("write the whole path"));
  EXPECT_THAT(why("rocksdb: data"), HasSubstr("space"));
  EXPECT_THAT(why("rocksdb:"), HasSubstr("write rocksdb:PATH"));
  EXPECT_TRUE(check_store_url(make_engines(), "rocksdb:///var/lib/parley"));
  EXPECT_TRUE(check_store_url(make_engines(), "rocksdb:a~b"));
}

TEST(Engines, SaysWhatToWriteInstead) {
  const auto why = [](const char* text) { return check_store_url(make_engines(), text).error(); };
  EXPECT_THAT(why("/var/lib/parley"), HasSubstr("write rocksdb:/var/lib/parley"));
  EXPECT_THAT(why("parley-data"), HasSubstr("write rocksdb:parley-data"));
  EXPECT_THAT(why("memory"), HasSubstr("write memory:"));
  EXPECT_THAT(why("memory://"), HasSubstr("write memory:"));
  EXPECT_THAT(why("RocksDB:data"), HasSubstr("rocksdb:PATH"));
  EXPECT_THAT(why("redis:h:6379"), HasSubstr("redis://HOST:PORT"));
  EXPECT_THAT(why("valkey://h:6379"), HasSubstr("redis://HOST:PORT"));
  EXPECT_THAT(why("thrift://h:8888"), HasSubstr("--backend"));
  EXPECT_THAT(why("postgres://h/db"), HasSubstr("no kind of store \"postgres\""));
  EXPECT_THAT(rpc::parse_backend_url("http://h:80").error(), HasSubstr("write thrift://HOST:PORT"));
}

}  // namespace
}  // namespace parley::app
