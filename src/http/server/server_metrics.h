// What an HTTP listener counts.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/memory_budget.h"
#include "base/metrics.h"

namespace parley::http {

/// One loop's cells. That loop writes them, and the collector reads them.
class LoopMetrics {
 public:
  /// The statuses that are told apart. Any other counts as the last.
  static constexpr std::array kStatuses = {200, 204, 400, 403, 404, 405, 408, 409,
                                           413, 415, 431, 500, 502, 503, 504, 0};

  /// `routes` are numbered from 0. One more is for requests without a route, or that could not be read.
  explicit LoopMetrics(std::size_t routes) : routes_(routes + 1) {}

  void observe(std::size_t route, int status, std::uint64_t microseconds) noexcept;

  Gauge connections;
  Counter accepted;
  Counter refused;  ///< past --max-connections

 private:
  friend class ServerMetrics;
  struct RouteCells {
    std::array<Counter, kStatuses.size()> by_status;
    Histogram microseconds;
  };
  std::vector<RouteCells> routes_;
};

/// The cells of one listener's loops. Shared with the registry, which may outlive the server.
class ServerMetrics {
 public:
  ServerMetrics(std::string listener, std::vector<std::string> routes, std::size_t loops);

  [[nodiscard]] LoopMetrics& loop(std::size_t index) noexcept { return *loops_[index]; }

  /// Registers `metrics`. Any thread.
  static void publish(const std::shared_ptr<ServerMetrics>& metrics, MetricsRegistry& registry);

 private:
  [[nodiscard]] std::vector<prometheus::MetricFamily> collect() const;
  [[nodiscard]] prometheus::MetricFamily collect_requests() const;
  [[nodiscard]] prometheus::MetricFamily collect_seconds() const;

  std::string listener_;
  std::vector<std::string> routes_;
  std::vector<std::unique_ptr<LoopMetrics>> loops_;
};

}  // namespace parley::http
