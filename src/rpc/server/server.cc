#include "rpc/server/server.h"

#include <utility>

#include "rpc/server/server_metrics.h"
#include "rpc/server/session.h"

namespace parley::rpc {

RpcServer::RpcServer(net::LoopPool& loops, net::Endpoint endpoint, CallHandler handler, RpcOptions options,
                     const std::atomic<bool>& ready_to_reset, MemoryBudget& budget, MetricsRegistry& metrics)
    : state_(std::move(options), std::move(handler), ready_to_reset, budget),
      metrics_(net::ServerMetrics::publish(metrics, rpc_metrics(state_.handler.methods()), loops.size())),
      server_(loops, std::move(endpoint), "rpc",
              [&](std::size_t i) { return std::make_unique<Worker>(state_, loops[i], metrics_->loop(i)); }) {}

RpcServer::~RpcServer() {
  if (!state_.draining.load(std::memory_order_relaxed)) drain({});
}

void RpcServer::drain(Deadline deadline) {
  state_.draining = true;
  server_.drain(deadline);
}

}  // namespace parley::rpc
