#include "rpc/server/server_metrics.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley::rpc {
namespace {

using testing::HasSubstr;

TEST(RpcMetrics, CountsEachErrorOfTheTableUnderItsName) {
  MetricsRegistry registry;
  const auto metrics = net::ServerMetrics::publish(registry, rpc_metrics({"Send"}), 1);
  metrics->loop(0).observe(0, kSuccess, 1);
  metrics->loop(0).observe(0, kException, 1);
  for (const ErrorInfo& row : kErrorTable) {
    for (std::int32_t i = 0; i < static_cast<std::int32_t>(row.code) + 1; ++i) {
      metrics->loop(0).observe(0, static_cast<Outcome>(row.code), 1);
    }
  }
  const std::string text = registry.text();
  const auto line = [](std::string_view code, int count) {
    return fmt::format("parley_rpc_requests_total{{method=\"Send\",code=\"{}\"}} {}\n", code, count);
  };
  EXPECT_THAT(text, HasSubstr(line("success", 1)));
  EXPECT_THAT(text, HasSubstr(line("exception", 1)));
  for (const ErrorInfo& row : kErrorTable) {
    EXPECT_THAT(text, HasSubstr(line(row.name, static_cast<int>(row.code) + 1)));
  }
}

}  // namespace
}  // namespace parley::rpc
