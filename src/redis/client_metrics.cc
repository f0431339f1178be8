#include "redis/client_metrics.h"

#include <string>
#include <utility>
#include <vector>

#include <prometheus/metric_family.h>

#include "redis/call.h"

namespace parley::redis {

ClientMetrics::ClientMetrics()
    : net::ClientMetrics({.prefix = "parley_redis",
                          .peer = "server",
                          .peers = "Redis",
                          .outcomes = {kOutcomeNames.begin(), kOutcomeNames.end()}}) {}

std::shared_ptr<ClientMetrics> ClientMetrics::publish(MetricsRegistry& registry) {
  auto metrics = std::make_shared<ClientMetrics>();
  registry.add([metrics] { return metrics->collect(); });
  return metrics;
}

std::vector<prometheus::MetricFamily> ClientMetrics::collect() const {
  std::vector<std::pair<Labels, double>> errors;
  for (std::size_t i = 0; i < errors_.size(); ++i) {
    const std::string name(i < kRefusalCodes.size() ? kRefusalCodes[i] : "other");
    errors.push_back({{{"error", name}}, static_cast<double>(errors_[i].value())});
  }
  auto out = net::ClientMetrics::collect();
  out.push_back(counter_family("parley_redis_errors_total", "Errors that Redis answered, by kind", errors));
  out.push_back(counter_family("parley_redis_refused_total", "Calls that no server would execute",
                               {{Labels{}, static_cast<double>(refused.value())}}));
  return out;
}

}  // namespace parley::redis
