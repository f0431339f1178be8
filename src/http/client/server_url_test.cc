#include "http/client/server_url.h"

#include <gtest/gtest.h>

namespace parley::http {
namespace {

TEST(ServerUrl, ReadsHostPortAndBase) {
  const auto plain = ServerUrl::parse("http://127.0.0.1:8080");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->host, "127.0.0.1");
  EXPECT_EQ(plain->port, 8080);
  EXPECT_FALSE(plain->tls);
  EXPECT_EQ(plain->authority, "127.0.0.1:8080");
  EXPECT_EQ(plain->base, "");
  const auto based = ServerUrl::parse("http://chat.example/parley/");
  ASSERT_TRUE(based);
  EXPECT_EQ(based->port, 80);
  EXPECT_EQ(based->base, "/parley");
  const auto secure = ServerUrl::parse("https://chat.example");
  ASSERT_TRUE(secure);
  EXPECT_EQ(secure->port, 443);
  EXPECT_TRUE(secure->tls);
  const auto six = ServerUrl::parse("http://[::1]:1/");
  ASSERT_TRUE(six);
  EXPECT_EQ(six->host, "::1");
  EXPECT_EQ(six->authority, "[::1]:1");
  EXPECT_TRUE(ServerUrl::parse("http://a:65535"));
}

TEST(ServerUrl, RefusesTheRest) {
  for (const char* text :
       {"", "localhost:8080", "http://", "https://", "ftp://a", "http://u@a", "http://a/?q", "http://a/#f",
        "http://a b", "http://a:0", "http://a:65536", "http://a:99999", "http://a:99999999999"}) {
    EXPECT_FALSE(ServerUrl::parse(text)) << text;
  }
}

}  // namespace
}  // namespace parley::http
