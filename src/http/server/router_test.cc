#include "http/server/router.h"

#include <gtest/gtest.h>

namespace parley::http {
namespace {

TEST(Router, FindsExactPathsAndKnowsTheirMethods) {
  const Router router({{"/ping", {"GET"}, {}}, {"/api/send", {"POST"}, {}}, {"/api/pull", {"GET", "POST"}, {}}});
  EXPECT_EQ(router.find("/api/send"), 1U);
  for (const char* path : {"", "/", "/ping/", "/pin", "/PING", "/%70ing", "/api/send2"}) {
    EXPECT_EQ(router.find(path), router.size()) << path;
  }
  EXPECT_EQ(router.find_without_slash("/api/send/"), 1U);
  for (const char* path : {"", "/", "/ping", "/ping//", "//ping/", "/ping/x/"}) {
    EXPECT_EQ(router.find_without_slash(path), router.size()) << path;
  }
  EXPECT_TRUE(router.takes(0, "HEAD"));
  EXPECT_FALSE(router.takes(0, "POST"));
  EXPECT_FALSE(router.takes(0, "get"));
  EXPECT_FALSE(router.takes(1, "HEAD"));
  EXPECT_EQ(router.allow(0), "GET, HEAD, OPTIONS");
  EXPECT_EQ(router.allow(1), "OPTIONS, POST");
  EXPECT_EQ(router.allow(router.size()), "GET, HEAD, OPTIONS, POST");
}

}  // namespace
}  // namespace parley::http
