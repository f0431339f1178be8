#include "net/client_metrics.h"

#include <utility>

#include <fmt/format.h>
#include <prometheus/metric_family.h>

namespace parley::net {

std::shared_ptr<ClientMetrics> ClientMetrics::publish(MetricsRegistry& registry, Kind kind) {
  auto metrics = std::make_shared<ClientMetrics>(std::move(kind));
  registry.add([metrics] { return metrics->collect(); });
  return metrics;
}

std::shared_ptr<PeerMetrics> ClientMetrics::peer(const std::string& name) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(peers_, [](const auto& entry) { return entry.second.expired(); });
  auto found = peers_[name].lock();
  if (!found) peers_[name] = found = std::make_shared<PeerMetrics>(kind_.outcomes.size());
  return found;
}

std::vector<prometheus::MetricFamily> ClientMetrics::collect() const {
  std::map<std::string, std::shared_ptr<PeerMetrics>> peers;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [name, kept] : peers_) {
      if (auto peer = kept.lock()) peers.emplace(name, std::move(peer));
    }
  }
  const auto each = [&](auto PeerMetrics::* cell) {
    std::vector<std::pair<Labels, double>> samples;
    samples.reserve(peers.size());
    for (const auto& [name, peer] : peers) {
      samples.push_back({{{kind_.peer, name}}, static_cast<double>(((*peer).*cell).value())});
    }
    return samples;
  };
  std::vector<std::pair<Labels, double>> calls;
  for (const auto& [name, peer] : peers) {
    for (std::size_t i = 0; i < kind_.outcomes.size(); ++i) {
      calls.push_back({{{kind_.peer, name}, {"outcome", std::string(kind_.outcomes[i])}},
                       static_cast<double>(peer->calls[i].value())});
    }
  }
  const auto& [prefix, one, all, outcomes] = kind_;
  std::vector<prometheus::MetricFamily> out;
  out.push_back(
      counter_family(prefix + "_calls_total", fmt::format("Calls to {}, by {} and outcome", all, one), calls));
  out.push_back(gauge_family(prefix + "_in_flight", "Calls under way", each(&PeerMetrics::in_flight)));
  out.push_back(gauge_family(prefix + "_connections", "Open connections to " + all, each(&PeerMetrics::connections)));
  out.push_back(counter_family(prefix + "_connects_total", "Connections made to " + all, each(&PeerMetrics::connects)));
  out.push_back(counter_family(prefix + "_connect_failures_total",
                               fmt::format("Connections to {} that could not be made", all),
                               each(&PeerMetrics::connect_failures)));
  out.push_back(gauge_family(prefix + "_up", "Event loops whose calls go to the " + one, each(&PeerMetrics::up)));
  out.push_back(counter_family(prefix + "_retries_total",
                               fmt::format("Calls made again, to the same {} or another", one),
                               {{Labels{}, static_cast<double>(retries.value())}}));
  return out;
}

}  // namespace parley::net
