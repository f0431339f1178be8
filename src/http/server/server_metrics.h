// What an HTTP listener counts.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/memory_budget.h"
#include "base/metrics.h"

namespace parley::http {

/// The statuses that are told apart: of success, and those of the error table, once each. Any other is the last, 0.
inline constexpr auto kStatuses = [] {
  constexpr auto kSorted = [] {
    std::array<int, 2 + 2 * kErrorTable.size()> all = {200, 204};
    auto* next = all.data() + 2;
    for (const ErrorInfo& row : kErrorTable) {
      *next++ = row.http_status;
      *next++ = row.template_status;
    }
    std::ranges::sort(all);
    const auto rest = std::ranges::unique(all);
    return std::pair(all, all.size() - rest.size());
  }();
  std::array<int, kSorted.second + 1> out{};
  std::ranges::copy_n(kSorted.first.begin(), kSorted.second, out.begin());
  return out;
}();

/// One loop's cells. That loop writes them, and the collector reads them.
class LoopMetrics {
 public:
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
