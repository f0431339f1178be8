#include "http/server/server_metrics.h"

#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley::http {
namespace {

using testing::HasSubstr;

TEST(ServerMetrics, CountsEachStatusOfTheErrorTableByItself) {
  MetricsRegistry registry;
  const Router router(Routes{{.path = "/x", .methods = {}, .handler = {}}});
  const auto metrics = net::ServerMetrics::publish(registry, metrics_of("api", router), 1);
  std::set<int> statuses{200, 204};
  for (const ErrorInfo& row : kErrorTable) {
    statuses.insert(row.http_status);
    statuses.insert(row.template_status);
  }
  for (const int status : statuses) {
    for (int i = 0; i < status; ++i) metrics->loop(0).observe(0, place_of(status), 1);
  }
  metrics->loop(0).observe(0, place_of(299), 1);
  const std::string text = registry.text();
  const auto line = [](std::string_view status, int count) {
    return fmt::format("parley_http_requests_total{{listener=\"api\",route=\"/x\",status=\"{}\"}} {}\n", status, count);
  };
  for (const int status : statuses) EXPECT_THAT(text, HasSubstr(line(std::to_string(status), status)));
  EXPECT_THAT(text, HasSubstr(line("other", 1)));
}

}  // namespace
}  // namespace parley::http
