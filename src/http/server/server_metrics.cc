#include "http/server/server_metrics.h"

#include <algorithm>

#include <prometheus/metric_family.h>

namespace parley::http {

void LoopMetrics::observe(std::size_t route, int status, std::uint64_t microseconds) noexcept {
  const auto found = std::ranges::find(kStatuses, status);
  const auto index = std::min(static_cast<std::size_t>(found - kStatuses.begin()), kStatuses.size() - 1);
  RouteCells& cells = routes_[route];
  cells.by_status[index].add();
  cells.microseconds.observe(microseconds);
}

ServerMetrics::ServerMetrics(std::string listener, std::vector<std::string> routes, std::size_t loops)
    : listener_(std::move(listener)), routes_(std::move(routes)) {
  for (std::size_t i = 0; i < loops; ++i) loops_.push_back(std::make_unique<LoopMetrics>(routes_.size()));
  routes_.emplace_back("other");
}

void ServerMetrics::publish(const std::shared_ptr<ServerMetrics>& metrics, MetricsRegistry& registry) {
  registry.add([metrics] { return metrics->collect(); });
}

std::vector<prometheus::MetricFamily> ServerMetrics::collect() const {
  std::int64_t connections = 0;
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;
  for (const auto& loop : loops_) {
    connections += loop->connections.value();
    accepted += loop->accepted.value();
    refused += loop->refused.value();
  }
  const Labels labels{{"listener", listener_}};
  std::vector<prometheus::MetricFamily> out;
  out.push_back(collect_requests());
  out.push_back(collect_seconds());
  out.push_back(
      gauge_family("parley_http_connections", "Open connections", {{labels, static_cast<double>(connections)}}));
  out.push_back(counter_family("parley_http_connections_accepted_total", "Connections accepted, refused ones too",
                               {{labels, static_cast<double>(accepted)}}));
  out.push_back(counter_family("parley_http_connections_refused_total", "Connections refused past --max-connections",
                               {{labels, static_cast<double>(refused)}}));
  return out;
}

prometheus::MetricFamily ServerMetrics::collect_requests() const {
  std::vector<std::pair<Labels, double>> samples;
  for (std::size_t route = 0; route < routes_.size(); ++route) {
    for (std::size_t i = 0; i < kStatuses.size(); ++i) {
      std::uint64_t count = 0;
      for (const auto& loop : loops_) count += loop->routes_[route].by_status[i].value();
      if (count == 0) continue;
      const int status = kStatuses[i];
      samples.push_back({{{"listener", listener_},
                          {"route", routes_[route]},
                          {"status", status == 0 ? "other" : std::to_string(status)}},
                         static_cast<double>(count)});
    }
  }
  return counter_family("parley_http_requests_total", "Requests answered, by route and status", samples);
}

prometheus::MetricFamily ServerMetrics::collect_seconds() const {
  std::vector<std::pair<Labels, Histogram::Snapshot>> samples;
  for (std::size_t route = 0; route < routes_.size(); ++route) {
    Histogram::Snapshot total;
    for (const auto& loop : loops_) loop->routes_[route].microseconds.add_to(total);
    samples.push_back({{{"listener", listener_}, {"route", routes_[route]}}, total});
  }
  return histogram_family("parley_http_request_seconds", "From a request's last byte to its answer", 1e-6, samples);
}

}  // namespace parley::http
