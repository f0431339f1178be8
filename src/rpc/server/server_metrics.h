// What the RPC listener counts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/metrics.h"

namespace parley::rpc {

/// The methods that are told apart.
enum class Method : std::uint8_t { kSend, kPull, kReady, kOther };
inline constexpr std::array kMethodNames = {"Send", "Pull", "Ready", "other"};
static_assert(kMethodNames.size() == static_cast<std::size_t>(Method::kOther) + 1, "each method has a name");

/// How a call ended: kSuccess, the number of its error, or kException.
using Outcome = std::size_t;
inline constexpr Outcome kSuccess = 0;
inline constexpr Outcome kException = kErrorTable.size() + 1;

/// One loop's cells. Written by that loop, read by whoever collects.
class LoopMetrics {
 public:
  void observe(Method method, Outcome outcome, std::uint64_t microseconds) noexcept;

  Gauge connections;
  Gauge in_flight;
  Counter accepted;
  Counter refused;  ///< past --max-connections

 private:
  friend class RpcMetrics;
  struct MethodCells {
    std::array<Counter, kException + 1> by_outcome;
    Histogram microseconds;
  };
  std::array<MethodCells, kMethodNames.size()> methods_;
};

/// The cells of all loops. Shared with the registry, which may outlive the server.
class RpcMetrics {
 public:
  explicit RpcMetrics(std::size_t loops);

  [[nodiscard]] LoopMetrics& loop(std::size_t index) noexcept { return *loops_[index]; }

  /// Registers `metrics`. Any thread.
  static void publish(const std::shared_ptr<RpcMetrics>& metrics, MetricsRegistry& registry);

 private:
  [[nodiscard]] std::vector<prometheus::MetricFamily> collect() const;
  [[nodiscard]] prometheus::MetricFamily collect_requests() const;
  [[nodiscard]] prometheus::MetricFamily collect_seconds() const;

  std::vector<std::unique_ptr<LoopMetrics>> loops_;
};

}  // namespace parley::rpc
