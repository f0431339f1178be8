#include "http/server/host_guard.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace parley::http {
namespace {

bool passes(const HostGuard& guard, std::string_view host, std::vector<std::string_view> origins = {},
            std::string_view site = {}, std::string_view path = "/api/pull") {
  std::vector<Header> headers{{"Accept", "*/*"}};
  if (!site.empty()) headers.push_back({"sec-FETCH-site", site});
  for (const std::string_view origin : origins) headers.push_back({"oRIGIN", origin});
  const auto checked = guard.check(headers, host, path);
  if (!checked) EXPECT_EQ(checked.error().code, ErrorCode::kOriginNotAllowed);
  return checked.has_value();
}

TEST(HostGuard, ALoopbackListenerTakesLoopbackNamesOnly) {
  const HostGuard guard(HttpOptions{}, true);
  for (const char* host : {"localhost", "LocalHost:8080", "a.localhost:1", "127.0.0.1", "127.1.2.3:80", "[::1]:8080",
                           "", "localhost.", "localhost.:8080"}) {
    EXPECT_TRUE(passes(guard, host)) << host;
  }
  for (const char* host : {"example.com", "localhost.example.com", "127.0.0.1.example.com", "10.0.0.1", "[::2]",
                           "0.0.0.0", "localhost..", ".", "xlocalhost"}) {
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
  EXPECT_TRUE(passes(guard, "chat.example.:443"));
  options.allow_hosts = {"chat.example."};
  EXPECT_TRUE(passes(HostGuard(options, true), "chat.example"));
  options.allow_hosts = {"*"};
  EXPECT_TRUE(passes(HostGuard(options, true), "whatever.example"));
  EXPECT_TRUE(passes(HostGuard(HttpOptions{}, false), "whatever.example"));
}

TEST(HostGuard, TakesEveryNameOfADomainThatIsGiven) {
  HttpOptions options;
  options.allow_hosts = {"*.chat.example", "*.other.example:81"};
  options.allow_origins = {"https://*.app.example", "https://one.example:443"};
  const HostGuard guard(options, true);
  for (const char* host : {"a.chat.example", "A.Chat.Example:8080", "a.b.chat.example.", "a.other.example:81"}) {
    EXPECT_TRUE(passes(guard, host)) << host;
  }
  for (const char* host : {"chat.example", ".chat.example", "achat.example", "a.chat.example.evil", "*.chat",
                           "a.other.example", "a.other.example:82"}) {
    EXPECT_FALSE(passes(guard, host)) << host;
  }
  for (const char* origin : {"https://a.app.example", "https://one.example"}) {
    EXPECT_TRUE(passes(guard, "localhost", {origin})) << origin;
    EXPECT_TRUE(guard.cors(origin).contains(origin));
  }
  for (const char* origin : {"https://app.example", "http://a.app.example", "https://a.app.example:8443",
                             "https://a.app.example.evil", "https://.app.example"}) {
    EXPECT_FALSE(passes(guard, "localhost", {origin})) << origin;
  }
}

TEST(HostGuard, KnowsWhatMayBeGiven) {
  for (const char* host : {"*", "chat.example", "*.chat.example", "chat.example:8080", "[::1]:80", "chat.example."}) {
    EXPECT_TRUE(is_host_pattern(host)) << host;
  }
  for (const char* host :
       {"", "*.", "**", "a.*.example", "*chat.example", "*:80", "https://chat.example", "chat.example/", "*..example",
        "b\xc3\xbc"
        "cher.example",
        "chat.example:port"}) {
    EXPECT_FALSE(is_host_pattern(host)) << host;
  }
  for (const char* origin : {"*", "https://chat.example", "https://*.chat.example", "http://a:8080", "capacitor://x"}) {
    EXPECT_TRUE(is_origin_pattern(origin)) << origin;
  }
  for (const char* origin : {"", "chat.example", "https://", "https://chat.example/", "https://*",
                             "https://a.*.example", "://a", "null", "https://a:"}) {
    EXPECT_FALSE(is_origin_pattern(origin)) << origin;
  }
}

TEST(HostGuard, RefusesCallsOfAnotherSiteThatHaveNoAllowedOrigin) {
  HttpOptions options;
  options.allow_origins = {"https://app.example"};
  const HostGuard guard(options, true);
  EXPECT_FALSE(passes(guard, "localhost", {}, "cross-site"));
  EXPECT_FALSE(passes(guard, "localhost", {}, "Cross-Site", "/api/send/"));
  EXPECT_FALSE(passes(guard, "localhost", {"https://evil.example"}, "cross-site"));
  EXPECT_TRUE(passes(guard, "localhost", {"https://app.example"}, "cross-site"));
  EXPECT_TRUE(passes(guard, "localhost", {}, "cross-site", "/docs"));
  for (const char* site : {"same-origin", "same-site", "none"}) EXPECT_TRUE(passes(guard, "localhost", {}, site));
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
            "Access-Control-Expose-Headers: Parley-Code, Retry-After, WWW-Authenticate, X-Request-Id\r\n");
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
