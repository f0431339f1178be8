// A configured server: its store, its service and its listeners, wired together.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "app/config.h"
#include "base/error.h"
#include "base/file_watch.h"
#include "base/memory_budget.h"
#include "base/metrics.h"
#include "http/server/server.h"
#include "net/loop.h"
#include "rpc/server/server.h"
#include "service/calls.h"
#include "store/message_store.h"

namespace parley::app {

/// Its calls come from one thread that is none of the loops. Destroying it closes what is left at once.
class Server {
 public:
  /// Opens the store or finds its nodes, binds the listeners and serves; when it returns, all of them accept and the
  /// store answers. The error's detail is one line. May throw what the system throws.
  [[nodiscard]] static Result<std::unique_ptr<Server>> start(const Config& config);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// The listeners with their real ports, as the ready line names them: "http=127.0.0.1:8080 rpc=…".
  [[nodiscard]] std::string listeners() const;

  /// Where the messages are, without a password; of an embedded store the absolute path.
  [[nodiscard]] std::string store_name() const;

  /// Why the embedded store takes no more writes; empty while it does, and for every other store.
  [[nodiscard]] std::string store_failure();

  /// For who watches them.
  [[nodiscard]] net::LoopPool& loops() noexcept { return loops_; }

  /// Turns /readyz to 503, waits --drain-delay, closes the listeners with their backlog served, answers what is in
  /// flight within --drain-timeout; the admin listener goes last. Once.
  void drain();

 private:
  explicit Server(const Config& config);

  [[nodiscard]] Result<void> check_ports();
  [[nodiscard]] Result<void> open_service();
  [[nodiscard]] Result<void> open_store();
  [[nodiscard]] Result<void> connect_backend();
  [[nodiscard]] Result<void> listen();
  [[nodiscard]] Result<void> check_ready();
  [[nodiscard]] bool is_embedded() const;
  [[nodiscard]] Result<void> listen_http();
  [[nodiscard]] Result<void> listen_rpc();
  [[nodiscard]] Result<void> listen_admin();

  // In the order in which each needs those before it.
  const Config config_;
  std::atomic<bool> draining_ = false;
  MetricsRegistry metrics_;
  MemoryBudget memory_;
  net::LoopPool loops_;
  const service::CallTable calls_{service::program_calls()};
  FileWatch files_;
  std::unique_ptr<store::MessageStore> store_;
  std::unique_ptr<service::MessageService> service_;
  std::function<std::string()> store_id_;  // of nothing, if the nodes are foreign servers
  std::function<std::string()> durability_;
  std::unique_ptr<http::HttpServer> admin_;
  std::unique_ptr<http::HttpServer> http_;
  std::unique_ptr<rpc::RpcServer> rpc_;
};

}  // namespace parley::app
