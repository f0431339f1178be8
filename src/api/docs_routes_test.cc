#include "api/docs_routes.h"

#include <array>
#include <string>
#include <string_view>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley::api {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Key;
using testing::Not;
using testing::Pair;
using testing::StartsWith;

class DocsRoutes : public testing::Test {
 protected:
  http::Response get(std::string_view path, std::string_view known = {}) {
    const http::Routes routes = docs_routes(calls, memory, http::ErrorFormat::kProblem);
    const std::array<http::Header, 1> headers{{{"If-None-Match", known}}};
    const http::Request request{.method = "GET",
                                .path = path,
                                .query = {},
                                .headers = headers,
                                .body = {},
                                .request_id = "r1",
                                .deadline = kNoDeadline};
    for (const http::Route& route : routes) {
      if (route.path != path) continue;
      boost::asio::io_context io;
      auto response = boost::asio::co_spawn(io, route.handler(request), boost::asio::use_future);
      io.run();
      return response.get();
    }
    ADD_FAILURE() << "no route " << path;
    return {};
  }

  static std::string etag_of(const http::Response& response) {
    for (const auto& [name, value] : response.headers) {
      if (name == "ETag") return value;
    }
    return {};
  }

  const service::CallTable calls{service::program_calls()};
  MemoryBudget memory{std::size_t{1} << 20};
};

TEST_F(DocsRoutes, EachFileIsServedAsWhatItIs) {
  EXPECT_EQ(get("/openapi.json").content_type, "application/json");
  EXPECT_THAT(get("/openapi.json").body, StartsWith("{\"openapi\":\"3.1."));
  EXPECT_THAT(get("/docs").content_type, StartsWith("text/html"));
  EXPECT_THAT(get("/docs").body, HasSubstr("docs/start.js"));
  EXPECT_THAT(get("/docs/start.js").body, HasSubstr("SwaggerUIBundle("));
  for (const std::string_view packed : {"/docs/swagger-ui.css", "/docs/swagger-ui-bundle.js"}) {
    const http::Response response = get(packed);
    EXPECT_THAT(response.headers, Contains(Pair("Content-Encoding", "gzip")));
    EXPECT_THAT(response.body, StartsWith("\x1f\x8b"));
    EXPECT_GT(response.body.size(), 10'000U);
  }
}

TEST_F(DocsRoutes, AKnownTagIsAnsweredWithoutABody) {
  const http::Response first = get("/docs");
  const std::string etag = etag_of(first);
  ASSERT_EQ(etag.size(), 18U);
  EXPECT_EQ(first.cache_control, "no-cache");
  for (const std::string& known : {etag, "W/" + etag, "\"other\", " + etag, std::string("*")}) {
    const http::Response again = get("/docs", known);
    EXPECT_EQ(again.status, 304) << known;
    EXPECT_EQ(again.body, "") << known;
    EXPECT_EQ(etag_of(again), etag) << known;
  }
  EXPECT_EQ(get("/docs", "\"other\"").status, 200);
  EXPECT_EQ(get("/openapi.json", etag).status, 200);
}

TEST_F(DocsRoutes, ThePageMayLoadNothingFromElsewhere) {
  const http::Response page = get("/docs");
  EXPECT_THAT(page.headers, Contains(Pair("Content-Security-Policy", StartsWith("default-src 'none'"))));
  EXPECT_THAT(page.body, Not(HasSubstr("://")));
  EXPECT_THAT(get("/docs/start.js").body, Not(HasSubstr("://")));
}

TEST_F(DocsRoutes, AnAnswerHoldsItsMemoryUntilItIsSent) {
  {
    const http::Response response = get("/docs/swagger-ui-bundle.js");
    EXPECT_EQ(memory.used(), response.body.size());
  }
  EXPECT_EQ(memory.used(), 0U);
  MemoryReservation all(memory);
  ASSERT_TRUE(all.grow(memory.limit()));
  const http::Response refused = get("/docs");
  EXPECT_EQ(refused.status, 503);
  EXPECT_THAT(refused.headers, Contains(Key("Retry-After")));
}

}  // namespace
}  // namespace parley::api
