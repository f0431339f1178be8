// The RPC listener: its address, its connections, its end.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/memory_budget.h"
#include "base/metrics.h"
#include "net/endpoint.h"
#include "net/loop.h"
#include "net/server.h"
#include "net/server_metrics.h"
#include "rpc/server/call_handler.h"
#include "rpc/server/server_options.h"
#include "rpc/server/worker.h"

namespace parley::rpc {

/// Its calls come from one thread that is none of the loops; they block. The loops, the handler's service and all that
/// is referred to must outlive it.
class RpcServer {
 public:
  /// Once `ready_to_reset`, which comes before drain(), answers tell clients to leave.
  RpcServer(net::LoopPool& loops, net::Endpoint endpoint, CallHandler handler, RpcOptions options,
            const std::atomic<bool>& ready_to_reset, MemoryBudget& budget, MetricsRegistry& metrics);
  /// Closes what is left at once, and waits for the calls that the service still works on.
  ~RpcServer();
  RpcServer(const RpcServer&) = delete;
  RpcServer& operator=(const RpcServer&) = delete;

  /// Loads the TLS files and binds, so that clients can connect; they are served from start() on. The error's detail is
  /// one line.
  [[nodiscard]] Result<void> listen() { return server_.listen(); }
  /// Where it listens: after listen() with the real port.
  [[nodiscard]] const net::Endpoint& endpoint() const noexcept { return server_.endpoint(); }
  /// Starts to serve. Once, after listen().
  void start() { server_.start(); }

  /// Stops listening, with the backlog served; tells clients to leave; answers what is in flight; returns when every
  /// connection has ended. What has not by `deadline` is cut. Once.
  void drain(Deadline deadline);

 private:
  ServerState state_;
  std::shared_ptr<net::ServerMetrics> metrics_;
  net::Server<Worker> server_;
};

}  // namespace parley::rpc
