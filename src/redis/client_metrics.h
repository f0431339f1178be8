// What is counted about the calls to Redis.
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "base/metrics.h"
#include "net/client_metrics.h"
#include "redis/refusal.h"

namespace parley::redis {

/// The cells of all servers, and of what they refuse. Any thread.
class ClientMetrics final : public net::ClientMetrics {
 public:
  ClientMetrics();

  /// An error that a server answered.
  void observe(std::optional<Refusal> refusal) noexcept {
    errors_[refusal ? static_cast<std::size_t>(*refusal) : kRefusalCodes.size()].add();
  }

  Counter refused;  ///< calls that ended as kRefused

  /// Cells that `registry` shows from now on.
  [[nodiscard]] static std::shared_ptr<ClientMetrics> publish(MetricsRegistry& registry);

 private:
  [[nodiscard]] std::vector<prometheus::MetricFamily> collect() const;

  std::array<Counter, kRefusalCodes.size() + 1> errors_;  // by Refusal; the last: others
};

}  // namespace parley::redis
