// What is counted about the calls to Redis.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "redis/call.h"
#include "redis/refusal.h"

namespace parley::redis {

/// One server's cells, shared by the loops. Any thread.
struct ServerMetrics {
  static constexpr std::size_t kOutcomes = 6;  ///< all but kRefused, which is no single server's

  void observe(CallResult::Outcome outcome) noexcept { calls[static_cast<std::size_t>(outcome)].add(); }

  std::array<Counter, kOutcomes> calls;  ///< by CallResult::Outcome
  Counter connects;                      ///< connections made
  Counter connect_failures;
  Gauge connections;  ///< open
  Gauge in_flight;    ///< calls
  Gauge up;           ///< loops whose calls go there
};

/// The cells of all servers. Shared by the client and the registry, which may outlive it. Any thread.
class ClientMetrics {
 public:
  /// The cells of the server of this name; shown for as long as somebody keeps them.
  [[nodiscard]] std::shared_ptr<ServerMetrics> server(const std::string& name);

  /// An error that a server answered.
  void observe(std::optional<Refusal> refusal) noexcept {
    errors_[refusal ? static_cast<std::size_t>(*refusal) : kRefusals].add();
  }

  Counter refused;  ///< calls that ended as kRefused
  Counter retries;  ///< commands sent again, to the same server or another

  /// Cells that `registry` shows from now on.
  [[nodiscard]] static std::shared_ptr<ClientMetrics> publish(MetricsRegistry& registry);

 private:
  [[nodiscard]] std::vector<prometheus::MetricFamily> collect() const;

  std::array<Counter, kRefusals + 1> errors_;  // by Refusal; the last: others
  mutable std::mutex mutex_;
  std::map<std::string, std::weak_ptr<ServerMetrics>> servers_;
};

}  // namespace parley::redis
