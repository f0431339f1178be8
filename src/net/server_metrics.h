// What a listener counts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/metrics.h"

namespace parley::net {

/// One loop's cells. That loop writes them, and the collector reads them. They share no cache line with another loop's.
class alignas(64) LoopMetrics {
 public:
  LoopMetrics(std::size_t calls, std::size_t outcomes)
      : outcomes_(outcomes), counts_(calls * outcomes), microseconds_(calls) {}

  /// Counts a request. `call` and `outcome` are places in the lists of ServerMetrics::Kind.
  void observe(std::size_t call, std::size_t outcome, std::uint64_t microseconds) noexcept {
    counts_[call * outcomes_ + outcome].add();
    microseconds_[call].observe(microseconds);
  }

  Gauge connections;
  Gauge in_flight;
  Counter accepted;
  Counter refused;             ///< past --max-connections
  Counter handshake_failures;  ///< of TLS

 private:
  friend class ServerMetrics;
  const std::size_t outcomes_;
  std::vector<Counter> counts_;  // by call, then by outcome
  std::vector<Histogram> microseconds_;
};

/// The cells of one listener's loops. Shared with the registry, which may outlive the server.
class ServerMetrics {
 public:
  /// What tells the metrics of one listener from another's.
  struct Kind {
    std::string prefix;                   ///< of the families' names
    Labels labels{};                      ///< of every sample
    std::string call_label;               ///< what requests are told apart by
    std::vector<std::string> calls{};     ///< its values
    std::string outcome_label;            ///< what answers are told apart by
    std::vector<std::string> outcomes{};  ///< its values
    bool shows_in_flight = false;         ///< whether LoopMetrics::in_flight is counted
  };

  ServerMetrics(Kind kind, std::size_t loops);

  /// Cells that `registry` shows from now on. Any thread.
  [[nodiscard]] static std::shared_ptr<ServerMetrics> publish(MetricsRegistry& registry, Kind kind, std::size_t loops);

  [[nodiscard]] LoopMetrics& loop(std::size_t index) noexcept { return *loops_[index]; }

 private:
  [[nodiscard]] std::vector<prometheus::MetricFamily> collect() const;
  [[nodiscard]] prometheus::MetricFamily collect_requests() const;
  [[nodiscard]] prometheus::MetricFamily collect_seconds() const;
  /// `labels` behind those of every sample.
  [[nodiscard]] Labels with(const Labels& labels) const;
  /// The sum of all loops, as one sample.
  template <class Cell>
  [[nodiscard]] std::vector<std::pair<Labels, double>> sum(Cell LoopMetrics::* cell) const;

  const Kind kind_;
  std::vector<std::unique_ptr<LoopMetrics>> loops_;
};

}  // namespace parley::net
