#include "rpc/server/server_metrics.h"

#include <prometheus/metric_family.h>

namespace parley::rpc {
namespace {

std::string name_of(Outcome outcome) {
  if (outcome == kSuccess) return "success";
  if (outcome == kException) return "exception";
  return std::string(error_info(static_cast<ErrorCode>(outcome)).name);
}

}  // namespace

void LoopMetrics::observe(Method method, Outcome outcome, std::uint64_t microseconds) noexcept {
  MethodCells& cells = methods_[static_cast<std::size_t>(method)];
  cells.by_outcome[outcome].add();
  cells.microseconds.observe(microseconds);
}

RpcMetrics::RpcMetrics(std::size_t loops) {
  for (std::size_t i = 0; i < loops; ++i) loops_.push_back(std::make_unique<LoopMetrics>());
}

void RpcMetrics::publish(const std::shared_ptr<RpcMetrics>& metrics, MetricsRegistry& registry) {
  registry.add([metrics] { return metrics->collect(); });
}

std::vector<prometheus::MetricFamily> RpcMetrics::collect() const {
  std::int64_t connections = 0;
  std::int64_t in_flight = 0;
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;
  for (const auto& loop : loops_) {
    connections += loop->connections.value();
    in_flight += loop->in_flight.value();
    accepted += loop->accepted.value();
    refused += loop->refused.value();
  }
  std::vector<prometheus::MetricFamily> out;
  out.push_back(collect_requests());
  out.push_back(collect_seconds());
  out.push_back(gauge_family("parley_rpc_connections", "Open connections", {{{}, static_cast<double>(connections)}}));
  out.push_back(gauge_family("parley_rpc_requests_in_flight", "Requests that are not answered yet",
                             {{{}, static_cast<double>(in_flight)}}));
  out.push_back(counter_family("parley_rpc_connections_accepted_total", "Connections accepted, refused ones too",
                               {{{}, static_cast<double>(accepted)}}));
  out.push_back(counter_family("parley_rpc_connections_refused_total", "Connections refused past --max-connections",
                               {{{}, static_cast<double>(refused)}}));
  return out;
}

prometheus::MetricFamily RpcMetrics::collect_requests() const {
  std::vector<std::pair<Labels, double>> samples;
  for (std::size_t method = 0; method < kMethodNames.size(); ++method) {
    for (Outcome outcome = kSuccess; outcome <= kException; ++outcome) {
      std::uint64_t count = 0;
      for (const auto& loop : loops_) count += loop->methods_[method].by_outcome[outcome].value();
      if (count == 0) continue;
      samples.push_back({{{"method", kMethodNames[method]}, {"code", name_of(outcome)}}, static_cast<double>(count)});
    }
  }
  return counter_family("parley_rpc_requests_total", "Requests answered, by method and code", samples);
}

prometheus::MetricFamily RpcMetrics::collect_seconds() const {
  std::vector<std::pair<Labels, Histogram::Snapshot>> samples;
  for (std::size_t method = 0; method < kMethodNames.size(); ++method) {
    Histogram::Snapshot total;
    for (const auto& loop : loops_) loop->methods_[method].microseconds.add_to(total);
    samples.push_back({{{"method", kMethodNames[method]}}, total});
  }
  return histogram_family("parley_rpc_request_seconds", "From a request's last byte to its answer", 1e-6, samples);
}

}  // namespace parley::rpc
