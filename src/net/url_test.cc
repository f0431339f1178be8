#include "net/url.h"

#include <gtest/gtest.h>

namespace parley::net {
namespace {

TEST(Url, ShowsNoPassword) {
  EXPECT_EQ(without_password("redis://u:p@/x:@h:1/2"), "redis://u@h:1/2");
  EXPECT_EQ(without_password("redis://:p@h:1"), "redis://h:1");
  EXPECT_EQ(without_password("redis://h:1"), "redis://h:1");
  EXPECT_EQ(without_password("rocksdb:a@b"), "rocksdb:a@b");
}

}  // namespace
}  // namespace parley::net
