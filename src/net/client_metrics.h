// What a client counts about the peers that it calls.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.h"

namespace parley::net {

/// One peer's cells, shared by the loops. Any thread.
struct PeerMetrics {
  explicit PeerMetrics(std::size_t outcomes) : calls(outcomes) {}

  /// Counts a call. `outcome` is a place in ClientMetrics::Kind::outcomes.
  template <class Outcome>
  void observe(Outcome outcome) noexcept {
    calls[static_cast<std::size_t>(outcome)].add();
  }

  std::vector<Counter> calls;  ///< by outcome
  Counter connects;            ///< connections made
  Counter connect_failures;
  Gauge connections;  ///< open
  Gauge in_flight;    ///< calls
  Gauge up;           ///< loops whose calls go there
};

/// The cells of all peers of a client. Shared by the client and the registry, which may outlive it. Any thread.
class ClientMetrics {
 public:
  /// What tells the metrics of one client from another's.
  struct Kind {
    std::string prefix;                      ///< of the families' names
    std::string peer;                        ///< what a peer is called, and the label that names it
    std::string peers;                       ///< what all of them are called
    std::vector<std::string_view> outcomes;  ///< of a call to one peer
  };

  explicit ClientMetrics(Kind kind) : kind_(std::move(kind)) {}

  /// Cells that `registry` shows from now on.
  [[nodiscard]] static std::shared_ptr<ClientMetrics> publish(MetricsRegistry& registry, Kind kind);

  /// The cells of the peer of this name. They are shown for as long as somebody keeps them.
  [[nodiscard]] std::shared_ptr<PeerMetrics> peer(const std::string& name);

  Counter retries;  ///< calls made again, to the same peer or another

  [[nodiscard]] std::vector<prometheus::MetricFamily> collect() const;

 private:
  const Kind kind_;
  mutable std::mutex mutex_;
  std::map<std::string, std::weak_ptr<PeerMetrics>> peers_;
};

}  // namespace parley::net
