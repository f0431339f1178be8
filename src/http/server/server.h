// An HTTP/1.1 listener: its address, its connections, its end.
#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "base/memory_budget.h"
#include "base/metrics.h"
#include "http/server/router.h"
#include "http/server/server_options.h"
#include "http/server/worker.h"
#include "net/endpoint.h"
#include "net/loop.h"
#include "net/server.h"
#include "net/server_metrics.h"

namespace parley::http {

/// Its calls come from one thread that is none of the loops. They block, except for begin_drain() and draining(). The
/// loops must run for as long as it lives.
class HttpServer {
 public:
  /// `name` tells listeners apart in logs and metrics. Routes run on any of the loops, several at a time. Each must
  /// return by its request's deadline or soon after.
  HttpServer(net::LoopPool& loops, net::Endpoint endpoint, Routes routes, HttpOptions options, MemoryBudget& budget,
             MetricsRegistry& metrics, std::string name);
  /// Closes what is left at once, and waits for the routes that still work.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Binds, so that clients can connect. They are served from start() on. The error's detail is one line.
  [[nodiscard]] Result<void> listen() { return server_.listen(); }
  /// Where it listens: after listen() with the real port.
  [[nodiscard]] const net::Endpoint& endpoint() const noexcept { return server_.endpoint(); }
  /// Starts to serve. Once, after listen().
  void start() { server_.start(); }

  /// From here on every answer says `Connection: close`, and its connection closes behind it. Any thread.
  void begin_drain();
  /// Begins to drain, if begin_drain() has not. Serves the backlog, stops listening, and answers the requests in
  /// flight. Closes each idle connection if no request comes within kDrainGrace of the drain's begin. Returns when that
  /// is done. At `deadline` it cuts the connections that are left. Once.
  ///
  /// So a client that obeys HTTP loses nothing if it asks at least once a second, or once from begin_drain() to here.
  void drain(Deadline deadline);
  /// Whether draining has begun. Any thread.
  [[nodiscard]] bool draining() const noexcept {
    return state_.stage.load(std::memory_order_relaxed) != Stage::kServing;
  }

 private:
  net::LoopPool& loops_;
  ServerState state_;
  std::shared_ptr<net::ServerMetrics> metrics_;
  net::Server<Worker> server_;
};

}  // namespace parley::http
