#include "http/server/server.h"

#include <chrono>
#include <utility>

#include "http/server/server_metrics.h"
#include "http/server/session.h"

namespace parley::http {

HttpServer::HttpServer(net::LoopPool& loops, net::Endpoint endpoint, Routes routes, HttpOptions options,
                       MemoryBudget& budget, MetricsRegistry& metrics, std::string name)
    : loops_(loops),
      state_(std::move(options), std::move(routes), endpoint.is_loopback(), budget),
      metrics_(net::ServerMetrics::publish(metrics, metrics_of(name, state_.router), loops.size())),
      server_(loops, std::move(endpoint), std::move(name),
              [&](std::size_t i) { return std::make_unique<Worker>(state_, loops[i], metrics_->loop(i)); }) {}

HttpServer::~HttpServer() {
  if (state_.stage != Stage::kEnding) drain({});
}

void HttpServer::begin_drain() {
  state_.idle_end = loops_.now() + kDrainGrace;
  state_.stage = Stage::kDraining;
}

void HttpServer::drain(Deadline deadline) {
  if (!draining()) begin_drain();
  state_.stage = Stage::kEnding;
  server_.drain(deadline);
}

}  // namespace parley::http
