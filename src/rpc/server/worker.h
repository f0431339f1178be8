// One loop's part of the RPC listener: its connections and what they share.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>

#include "base/log_limits.h"
#include "base/memory_budget.h"
#include "base/request_ids.h"
#include "base/task_group.h"
#include "net/listener.h"
#include "net/loop.h"
#include "net/tls.h"
#include "rpc/server/call_handler.h"
#include "rpc/server/server_metrics.h"
#include "rpc/server/server_options.h"

namespace parley::rpc {

class Session;

/// What all connections share. Read-only while it serves, but for the atomics.
struct ServerState {
  ServerState(RpcOptions rpc_options, CallHandler call_handler, const std::atomic<bool>& leaving, MemoryBudget& memory)
      : options(std::move(rpc_options)), handler(std::move(call_handler)), ready_to_reset(leaving), budget(memory) {}

  RpcOptions options;
  CallHandler handler;
  const std::atomic<bool>& ready_to_reset;  ///< the process is about to end: answers say so
  MemoryBudget& budget;
  std::optional<net::TlsContext> tls;  ///< none: in the clear
  std::atomic<bool> draining{false};   ///< connections end
  std::atomic<std::size_t> connections{0};
};

/// Everything here runs on its loop's thread, but for the constructor and destructor. Must outlive its connections: see
/// ended().
class Worker {
 public:
  static constexpr std::size_t kScratch = std::size_t{64} << 10;

  Worker(ServerState& state, net::Loop& loop, LoopMetrics& metrics);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Serves the connection, or closes it where there are too many.
  void accept(net::Socket socket);

  /// Tells clients to leave, closes what is idle, and everything else after its answers.
  void drain();
  /// Closes everything. A call that the service is working on ends when the service does, unanswered.
  void cut();
  /// Suspends until no connection is left. One waiter at a time.
  [[nodiscard]] Async<> ended() { return sessions_group_.wait(); }

  // For its sessions.
  void forget(Session& session) noexcept { sessions_.erase(&session); }
  [[nodiscard]] ServerState& state() noexcept { return state_; }
  [[nodiscard]] net::Loop& loop() noexcept { return loop_; }
  [[nodiscard]] LoopMetrics& metrics() noexcept { return metrics_; }
  /// What is read goes here first; holds until the session suspends.
  [[nodiscard]] char* scratch() noexcept { return scratch_.get(); }
  /// An empty buffer for answers; where one was given back, it has grown already.
  [[nodiscard]] std::string take_buffer() noexcept { return std::exchange(spare_, {}); }
  void give_back(std::string buffer);
  [[nodiscard]] RequestIds& request_ids() noexcept { return request_ids_; }
  [[nodiscard]] LogBudget& log_budget() noexcept { return log_budget_; }

 private:
  ServerState& state_;
  net::Loop& loop_;
  LoopMetrics& metrics_;
  TaskGroup sessions_group_;
  std::unordered_set<Session*> sessions_;
  std::unique_ptr<char[]> scratch_;
  std::string spare_;
  RequestIds request_ids_;
  LogBudget log_budget_;
};

}  // namespace parley::rpc
