#include "api/admin_routes.h"

#include <string>
#include <string_view>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/metric_family.h>

namespace parley::api {
namespace {

/// A service of which only the readiness is asked.
class Service final : public service::MessageService {
 public:
  Task<service::SendResponse> send(service::SendRequest, service::CallContext) override {
    co_return fail(ErrorCode::kInternal, "not asked");
  }
  Task<service::PullResponse> pull(service::PullRequest, service::CallContext) override {
    co_return fail(ErrorCode::kInternal, "not asked");
  }
  Health health() const override { return why_not.empty() ? Health{} : Health::only_reads(why_not); }
  Task<service::ProtobufPtr> do_call(const service::CallRow&, service::ProtobufPtr, service::CallContext) override {
    co_return fail(ErrorCode::kNotSupported, "not here");
  }

  std::string why_not;
};

class AdminRoutes : public testing::Test {
 protected:
  http::Response get(std::string_view path) {
    for (const http::Route& route : routes) {
      if (route.path != path) continue;
      boost::asio::io_context io;
      const http::Request request{.method = "GET",
                                  .path = path,
                                  .query = {},
                                  .headers = {},
                                  .body = {},
                                  .request_id = "r1",
                                  .deadline = kNoDeadline};
      auto response = boost::asio::co_spawn(io, route.handler(request), boost::asio::use_future);
      io.run();
      return response.get();
    }
    return {.status = 404, .content_type = {}, .body = {}, .headers = {}};
  }

  Service service;
  std::atomic<bool> draining = false;
  MetricsRegistry metrics;
  http::Routes routes = admin_routes(service, draining, metrics);
};

TEST_F(AdminRoutes, ReadyFollowsTheServiceAndTheDrain) {
  EXPECT_EQ(get("/readyz").status, 200);
  EXPECT_EQ(get("/readyz").body, R"({"status":"ready"})");
  service.why_not = "the disk \"sda\" failed";
  EXPECT_EQ(get("/readyz").status, 503);
  EXPECT_THAT(get("/readyz").body, testing::HasSubstr(R"("detail":"the disk \"sda\" failed")"));
  service.why_not = "";
  draining = true;
  EXPECT_EQ(get("/readyz").status, 503);
  EXPECT_THAT(get("/readyz").body, testing::HasSubstr(R"("detail":"the server is draining")"));
}

TEST_F(AdminRoutes, HealthStaysWhileDraining) {
  draining = true;
  service.why_not = "gone";
  EXPECT_EQ(get("/healthz").status, 200);
}

TEST_F(AdminRoutes, MetricsAreText) {
  metrics.add(collect_process);
  const http::Response response = get("/metrics");
  EXPECT_EQ(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_THAT(response.body, testing::HasSubstr("\nprocess_open_fds "));
}

}  // namespace
}  // namespace parley::api
