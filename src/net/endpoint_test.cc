#include "net/endpoint.h"

#include <gtest/gtest.h>

namespace parley::net {
namespace {

TEST(Endpoint, ReadsAndWritesHostAndPort) {
  for (const char* text :
       {"127.0.0.1:8080", "[::1]:8080", "localhost:0", "0.0.0.0:80", "[::]:65535", "chat.example:1"}) {
    const auto endpoint = Endpoint::parse(text);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(endpoint->to_string(), text);
  }
  EXPECT_EQ(Endpoint::parse("[::1]:8080"), (Endpoint{"::1", 8080}));
}

TEST(Endpoint, RefusesWhatIsNotOne) {
  for (const char* text :
       {"", "8080", "localhost", "localhost:", ":8080", "localhost:65536", "localhost:-1", "localhost:+1",
        "localhost:80x", "::1:8080", "[::1]", "[localhost]:80", "[]:80", "a b:80", "http://a:80"}) {
    const auto endpoint = Endpoint::parse(text);
    ASSERT_FALSE(endpoint) << text;
    EXPECT_EQ(endpoint.error().detail.find('\n'), std::string::npos);
    EXPECT_NE(endpoint.error().detail.find(text), std::string::npos) << endpoint.error().detail;
  }
}

TEST(Endpoint, KnowsLoopback) {
  for (const char* text : {"127.0.0.1:1", "127.9.8.7:1", "[::1]:1", "localhost:1", "LOCALHOST:1", "a.localhost:1"}) {
    EXPECT_TRUE(Endpoint::parse(text)->is_loopback()) << text;
  }
  for (const char* text : {"0.0.0.0:1", "[::]:1", "10.0.0.1:1", "example.com:1", "notlocalhost:1",
                           "127.0.0.1.example:1", ".localhost:1", "localhost.example:1"}) {
    EXPECT_FALSE(Endpoint::parse(text)->is_loopback()) << text;
  }
}

}  // namespace
}  // namespace parley::net
