#include "api/admin_routes.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "base/log_limits.h"
#include "http/wire/problem.h"

namespace parley::api {
namespace {

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kMetricsText = "text/plain; version=0.0.4; charset=utf-8";

http::Response not_ready(std::string reason, const http::Request& request) {
  return http::error_response({ErrorCode::kUnavailable, std::move(reason)}, http::ErrorFormat::kProblem,
                              request.request_id);
}

// Coroutines that a route calls are free functions: a capturing lambda would die with its captures.
Async<http::Response> healthz() {
  co_return http::Response{.status = 200, .content_type = kJson, .body = R"({"status":"ok"})", .headers = {}};
}

Async<http::Response> readyz(service::MessageService& service, const std::atomic<bool>& draining, StateLog& log,
                             const http::Request& request) {
  if (draining.load()) co_return not_ready("the server is draining", request);
  const Health health = service.health();
  if (!health.writes) {
    if (log.may_log("not ready")) log_warn("this server is not ready", {{"why", health.why_not}});
    co_return not_ready(health.why_not, request);
  }
  if (log.may_log_change("ready")) log_info("this server is ready again");
  co_return http::Response{.status = 200, .content_type = kJson, .body = R"({"status":"ready"})", .headers = {}};
}

Async<http::Response> metrics_text(const MetricsRegistry& metrics) {
  co_return http::Response{.status = 200, .content_type = kMetricsText, .body = metrics.text(), .headers = {}};
}

}  // namespace

http::Routes admin_routes(service::MessageService& service, const std::atomic<bool>& draining,
                          const MetricsRegistry& metrics) {
  const auto log = std::make_shared<StateLog>("ready");
  return {
      {"/healthz", {"GET"}, [](const http::Request&) { return healthz(); }},
      {"/readyz",
       {"GET"},
       [&, log](const http::Request& request) { return readyz(service, draining, *log, request); },
       /*probe=*/true},
      {"/metrics", {"GET"}, [&metrics](const http::Request&) { return metrics_text(metrics); }},
  };
}

}  // namespace parley::api
