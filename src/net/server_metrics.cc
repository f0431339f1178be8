#include "net/server_metrics.h"

#include <utility>

#include <fmt/format.h>
#include <prometheus/metric_family.h>

namespace parley::net {

ServerMetrics::ServerMetrics(Kind kind, std::size_t loops) : kind_(std::move(kind)) {
  for (std::size_t i = 0; i < loops; ++i) {
    loops_.push_back(std::make_unique<LoopMetrics>(kind_.calls.size(), kind_.outcomes.size()));
  }
}

std::shared_ptr<ServerMetrics> ServerMetrics::publish(MetricsRegistry& registry, Kind kind, std::size_t loops) {
  auto metrics = std::make_shared<ServerMetrics>(std::move(kind), loops);
  registry.add([metrics] { return metrics->collect(); });
  return metrics;
}

std::vector<prometheus::MetricFamily> ServerMetrics::collect() const {
  const std::string& prefix = kind_.prefix;
  std::vector<prometheus::MetricFamily> out;
  out.push_back(collect_requests());
  out.push_back(collect_seconds());
  out.push_back(gauge_family(prefix + "_connections", "Open connections", sum(&LoopMetrics::connections)));
  if (kind_.shows_in_flight) {
    out.push_back(gauge_family(prefix + "_requests_in_flight", "Requests that are not answered yet",
                               sum(&LoopMetrics::in_flight)));
  }
  out.push_back(counter_family(prefix + "_connections_accepted_total", "Connections accepted, refused ones too",
                               sum(&LoopMetrics::accepted)));
  out.push_back(counter_family(prefix + "_connections_refused_total", "Connections refused past --max-connections",
                               sum(&LoopMetrics::refused)));
  out.push_back(counter_family(prefix + "_tls_handshake_failures_total", "TLS handshakes that failed",
                               sum(&LoopMetrics::handshake_failures)));
  return out;
}

prometheus::MetricFamily ServerMetrics::collect_requests() const {
  std::vector<std::pair<Labels, double>> samples;
  for (std::size_t call = 0; call < kind_.calls.size(); ++call) {
    for (std::size_t outcome = 0; outcome < kind_.outcomes.size(); ++outcome) {
      std::uint64_t count = 0;
      for (const auto& loop : loops_) count += loop->counts_[call * kind_.outcomes.size() + outcome].value();
      if (count == 0) continue;
      samples.emplace_back(
          with({{kind_.call_label, kind_.calls[call]}, {kind_.outcome_label, kind_.outcomes[outcome]}}),
          static_cast<double>(count));
    }
  }
  const std::string help = fmt::format("Requests answered, by {} and {}", kind_.call_label, kind_.outcome_label);
  return counter_family(kind_.prefix + "_requests_total", help, samples);
}

prometheus::MetricFamily ServerMetrics::collect_seconds() const {
  std::vector<std::pair<Labels, Histogram::Snapshot>> samples;
  for (std::size_t call = 0; call < kind_.calls.size(); ++call) {
    Histogram::Snapshot total;
    for (const auto& loop : loops_) loop->microseconds_[call].add_to(total);
    samples.emplace_back(with({{kind_.call_label, kind_.calls[call]}}), total);
  }
  return histogram_family(kind_.prefix + "_request_seconds", "From a request's last byte to its answer", 1e-6, samples);
}

Labels ServerMetrics::with(const Labels& labels) const {
  Labels all = kind_.labels;
  all.insert(all.end(), labels.begin(), labels.end());
  return all;
}

template <class Cell>
std::vector<std::pair<Labels, double>> ServerMetrics::sum(Cell LoopMetrics::* cell) const {
  double total = 0;
  for (const auto& loop : loops_) total += static_cast<double>(((*loop).*cell).value());
  return {{kind_.labels, total}};
}

}  // namespace parley::net
