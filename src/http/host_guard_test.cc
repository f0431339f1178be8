#include "http/host_guard.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace parley::http {
namespace {

bool passes(const HostGuard& guard, std::string_view host, std::vector<std::string_view> origins = {}) {
  std::vector<Header> headers{{"Accept", "*/*"}};
  for (const std::string_view origin : origins) headers.push_back({"oRIGIN", origin});
  const auto checked = guard.check(headers, host);
  if (!checked) EXPECT_EQ(checked.error().code, ErrorCode::kOriginNotAllowed);
  return checked.has_value();
}

TEST(HostGuard, ALoopbackListenerTakesLoopbackNamesOnly) {
  const HostGuard guard(HttpOptions{}, true);
  for (const char* host :
       {"localhost", "LocalHost:8080", "a.localhost:1", "127.0.0.1", "127.1.2.3:80", "[::1]:8080", ""}) {
    EXPECT_TRUE(passes(guard, host)) << host;
  }
  for (const char* host : {"example.com", "localhost.example.com", "127.0.0.1.example.com", "10.0.0.1", "[::2]",
                           "0.0.0.0", "localhost.", "xlocalhost"}) {
    EXPECT_FALSE(passes(guard, host)) << host;
  }
}

TEST(HostGuard, TakesTheHostsThatAreGiven) {
  HttpOptions options;
  options.allow_hosts = {"chat.example", "other.example:81"};
  const HostGuard guard(options, true);
  EXPECT_TRUE(passes(guard, "Chat.Example:443"));
  EXPECT_TRUE(passes(guard, "other.example:81"));
  EXPECT_FALSE(passes(guard, "other.example"));
  EXPECT_TRUE(passes(guard, "localhost"));
  options.allow_hosts = {"*"};
  EXPECT_TRUE(passes(HostGuard(options, true), "whatever.example"));
  EXPECT_TRUE(passes(HostGuard(HttpOptions{}, false), "whatever.example"));
}

TEST(HostGuard, RefusesForeignOrigins) {
  const HostGuard guard(HttpOptions{}, false);
  EXPECT_TRUE(passes(guard, "a.example:8080", {"http://a.example:8080"}));
  EXPECT_TRUE(passes(guard, "A.example", {"http://a.example:80"}));
  EXPECT_TRUE(passes(guard, "a.example:80", {"http://a.example"}));
  for (const char* origin : {"null", "", "https://a.example:8080", "http://a.example", "http://a.example:8081",
                             "http://b.example:8080", "http://a.example:8080.evil", "a.example:8080", "file://"}) {
    EXPECT_FALSE(passes(guard, "a.example:8080", {origin})) << origin;
  }
  EXPECT_FALSE(passes(guard, "", {"http://"}));
  EXPECT_FALSE(passes(guard, "a", {"http://a", "http://b"}));
  EXPECT_EQ(guard.cors("http://a.example"), "");
  EXPECT_EQ(guard.vary(), "Accept");
}

TEST(HostGuard, InvitesTheOriginsThatAreGiven) {
  HttpOptions options;
  options.allow_origins = {"https://app.example"};
  const HostGuard guard(options, false);
  EXPECT_TRUE(passes(guard, "a", {"https://app.example"}));
  EXPECT_FALSE(passes(guard, "a", {"http://app.example"}));
  EXPECT_FALSE(passes(guard, "a", {"https://app.example.evil"}));
  EXPECT_FALSE(passes(guard, "a", {"null"}));
  EXPECT_EQ(guard.cors("https://app.example"),
            "Access-Control-Allow-Origin: https://app.example\r\n"
            "Access-Control-Expose-Headers: Parley-Code, Retry-After, X-Request-Id\r\n");
  EXPECT_EQ(guard.cors("https://b.example"), "");
  EXPECT_EQ(guard.cors(""), "");
  EXPECT_EQ(guard.vary(), "Accept, Origin");
}

TEST(HostGuard, AStarInvitesEveryOrigin) {
  HttpOptions options;
  options.allow_origins = {"*"};
  const HostGuard guard(options, false);
  EXPECT_TRUE(passes(guard, "a", {"null"}));
  EXPECT_TRUE(passes(guard, "a", {"https://b.example"}));
  EXPECT_TRUE(guard.cors("https://b.example").starts_with("Access-Control-Allow-Origin: *\r\n"));
}

}  // namespace
}  // namespace parley::http
