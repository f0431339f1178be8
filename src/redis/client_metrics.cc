#include "redis/client_metrics.h"

#include <string_view>
#include <utility>

#include <prometheus/metric_family.h>

namespace parley::redis {
namespace {

using Samples = std::vector<std::pair<Labels, double>>;
using Cells = std::map<std::string, std::shared_ptr<ServerMetrics>>;

// In the order of CallResult::Outcome.
constexpr std::array<std::string_view, ServerMetrics::kOutcomes> kOutcomeNames = {"answered", "short", "expired",
                                                                                  "lost",     "full",  "too_large"};

Samples calls_of(const Cells& cells) {
  Samples samples;
  for (const auto& [server, cell] : cells) {
    for (std::size_t i = 0; i < kOutcomeNames.size(); ++i) {
      samples.push_back({{{"server", server}, {"outcome", std::string(kOutcomeNames[i])}},
                         static_cast<double>(cell->calls[i].value())});
    }
  }
  return samples;
}

template <class Cell>
Samples each(const Cells& cells, Cell ServerMetrics::* cell) {
  Samples samples;
  for (const auto& [server, metrics] : cells) {
    samples.push_back({{{"server", server}}, static_cast<double>(((*metrics).*cell).value())});
  }
  return samples;
}

}  // namespace

std::shared_ptr<ServerMetrics> ClientMetrics::server(const std::string& name) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(servers_, [](const auto& entry) { return entry.second.expired(); });
  auto found = servers_[name].lock();
  if (!found) servers_[name] = found = std::make_shared<ServerMetrics>();
  return found;
}

std::shared_ptr<ClientMetrics> ClientMetrics::publish(MetricsRegistry& registry) {
  auto metrics = std::make_shared<ClientMetrics>();
  registry.add([metrics] { return metrics->collect(); });
  return metrics;
}

std::vector<prometheus::MetricFamily> ClientMetrics::collect() const {
  Cells cells;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [name, kept] : servers_) {
      if (auto cell = kept.lock()) cells.emplace(name, std::move(cell));
    }
  }
  Samples errors;
  for (std::size_t i = 0; i <= kRefusals; ++i) {
    const std::string name(i < kRefusals ? kRefusalCodes[i] : "other");
    errors.push_back({{{"error", name}}, static_cast<double>(errors_[i].value())});
  }
  std::vector<prometheus::MetricFamily> out;
  out.push_back(counter_family("parley_redis_calls_total", "Calls to Redis, by server and outcome", calls_of(cells)));
  out.push_back(counter_family("parley_redis_errors_total", "Errors that Redis answered, by kind", errors));
  out.push_back(gauge_family("parley_redis_in_flight", "Calls under way", each(cells, &ServerMetrics::in_flight)));
  out.push_back(
      gauge_family("parley_redis_connections", "Open connections to Redis", each(cells, &ServerMetrics::connections)));
  out.push_back(counter_family("parley_redis_connects_total", "Connections made to Redis",
                               each(cells, &ServerMetrics::connects)));
  out.push_back(counter_family("parley_redis_connect_failures_total", "Connections to Redis that could not be made",
                               each(cells, &ServerMetrics::connect_failures)));
  out.push_back(
      gauge_family("parley_redis_up", "Event loops whose calls go to the server", each(cells, &ServerMetrics::up)));
  out.push_back(counter_family("parley_redis_refused_total", "Calls that no server would execute",
                               {{Labels{}, static_cast<double>(refused.value())}}));
  out.push_back(counter_family("parley_redis_retries_total", "Commands sent again, to the same server or another",
                               {{Labels{}, static_cast<double>(retries.value())}}));
  return out;
}

}  // namespace parley::redis
