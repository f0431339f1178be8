#include "rpc/client/client_metrics.h"

#include <string_view>
#include <utility>

#include <prometheus/metric_family.h>

namespace parley::rpc {
namespace {

using Samples = std::vector<std::pair<Labels, double>>;
using Cells = std::map<std::string, std::shared_ptr<NodeMetrics>>;

// In the order of CallResult::Outcome.
constexpr std::array<std::string_view, NodeMetrics::kOutcomes> kOutcomeNames = {"answered", "expired", "lost",
                                                                                "nonsense", "full"};

Samples calls_of(const Cells& cells) {
  Samples samples;
  for (const auto& [node, cell] : cells) {
    for (std::size_t i = 0; i < kOutcomeNames.size(); ++i) {
      samples.push_back(
          {{{"node", node}, {"outcome", std::string(kOutcomeNames[i])}}, static_cast<double>(cell->calls[i].value())});
    }
  }
  return samples;
}

template <class Cell>
Samples each(const Cells& cells, Cell NodeMetrics::* cell) {
  Samples samples;
  for (const auto& [node, metrics] : cells) {
    samples.push_back({{{"node", node}}, static_cast<double>(((*metrics).*cell).value())});
  }
  return samples;
}

}  // namespace

std::shared_ptr<NodeMetrics> ClientMetrics::node(const std::string& name) {
  const std::scoped_lock lock(mutex_);
  auto found = nodes_[name].lock();
  if (!found) nodes_[name] = found = std::make_shared<NodeMetrics>();
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
    for (const auto& [name, kept] : nodes_) {
      if (auto cell = kept.lock()) cells.emplace(name, std::move(cell));
    }
  }
  std::vector<prometheus::MetricFamily> out;
  out.push_back(counter_family("parley_backend_calls_total", "Calls to nodes, by node and outcome", calls_of(cells)));
  out.push_back(gauge_family("parley_backend_in_flight", "Calls under way", each(cells, &NodeMetrics::in_flight)));
  out.push_back(
      gauge_family("parley_backend_connections", "Open connections to nodes", each(cells, &NodeMetrics::connections)));
  out.push_back(counter_family("parley_backend_connects_total", "Connections made to nodes",
                               each(cells, &NodeMetrics::connects)));
  out.push_back(counter_family("parley_backend_connect_failures_total", "Connections to nodes that could not be made",
                               each(cells, &NodeMetrics::connect_failures)));
  out.push_back(
      gauge_family("parley_backend_up", "Event loops whose calls go to the node", each(cells, &NodeMetrics::up)));
  out.push_back(counter_family("parley_backend_retries_total", "Calls made again, on the same node or another",
                               {{Labels{}, static_cast<double>(retries.value())}}));
  return out;
}

}  // namespace parley::rpc
