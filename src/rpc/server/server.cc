#include "rpc/server/server.h"

#include <utility>

namespace parley::rpc {

RpcServer::RpcServer(net::LoopPool& loops, net::Endpoint endpoint, CallHandler handler, RpcOptions options,
                     const std::atomic<bool>& ready_to_reset, MemoryBudget& budget, MetricsRegistry& metrics)
    : endpoint_(std::move(endpoint)),
      state_(std::move(options), std::move(handler), ready_to_reset, budget),
      metrics_(std::make_shared<RpcMetrics>(loops.size())),
      workers_(loops.size(),
               [&](std::size_t i) { return std::make_unique<Worker>(state_, loops[i], metrics_->loop(i)); }),
      listener_(loops, "rpc") {
  RpcMetrics::publish(metrics_, metrics);
}

RpcServer::~RpcServer() {
  if (!state_.draining.load(std::memory_order_relaxed)) drain(std::chrono::steady_clock::now());
  (void)workers_.wait(kNoDeadline);
}

Result<void> RpcServer::listen() {
  if (!state_.options.tls.certificate.empty()) {
    auto tls = net::TlsContext::for_server(state_.options.tls);
    if (!tls) return std::unexpected(std::move(tls).error());
    state_.tls.emplace(*std::move(tls));
  }
  auto listening = listener_.listen(endpoint_);
  if (listening) endpoint_ = listener_.endpoint();
  return listening;
}

void RpcServer::start() {
  listener_.start([this](net::Socket socket, net::Loop& loop) { workers_[loop.index()].accept(std::move(socket)); });
}

void RpcServer::drain(Deadline deadline) {
  state_.draining = true;
  listener_.close();
  workers_.drain(deadline);
}

}  // namespace parley::rpc
