// What is counted about the calls to remote nodes.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "rpc/client/node_connection.h"

namespace parley::rpc {

/// One node's cells, shared by the loops. Any thread.
struct NodeMetrics {
  static constexpr std::size_t kOutcomes = 5;

  void observe(CallResult::Outcome outcome) noexcept { calls[static_cast<std::size_t>(outcome)].add(); }

  std::array<Counter, kOutcomes> calls;  ///< by CallResult::Outcome
  Counter connects;                      ///< connections made
  Counter connect_failures;
  Gauge connections;  ///< open
  Gauge in_flight;    ///< calls
  Gauge up;           ///< loops whose calls go there
};

/// The cells of all nodes. Shared by the service and the registry, which may outlive it. Any thread.
class ClientMetrics {
 public:
  /// The cells of the node of this name; shown for as long as somebody keeps them.
  [[nodiscard]] std::shared_ptr<NodeMetrics> node(const std::string& name);

  Counter retries;  ///< calls made again, on the same node or another

  /// Cells that `registry` shows from now on.
  [[nodiscard]] static std::shared_ptr<ClientMetrics> publish(MetricsRegistry& registry);

 private:
  [[nodiscard]] std::vector<prometheus::MetricFamily> collect() const;

  mutable std::mutex mutex_;
  std::map<std::string, std::weak_ptr<NodeMetrics>> nodes_;
};

}  // namespace parley::rpc
