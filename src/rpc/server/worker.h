// One loop's part of the RPC listener, and what all its parts share.
#pragma once

#include <atomic>
#include <cstddef>
#include <string>
#include <utility>

#include "base/memory_budget.h"
#include "net/listener.h"
#include "net/worker.h"
#include "rpc/server/call_handler.h"
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
  std::atomic<bool> draining{false};  ///< connections end
  std::atomic<std::size_t> connections{0};
};

/// One loop's part of the RPC listener. drain() tells clients to leave, closes what is idle, and everything else after
/// its answers.
class Worker final : public net::Worker<Session, ServerState> {
 public:
  using net::Worker<Session, ServerState>::Worker;

  /// Serves the connection. If there are too many, it closes it.
  void accept(net::Socket socket);

  // For its sessions.
  /// An empty buffer for answers. If one was given back, it has grown already.
  [[nodiscard]] std::string take_buffer() noexcept { return std::exchange(spare_, {}); }
  void give_back(std::string buffer);

 private:
  std::string spare_;
};

}  // namespace parley::rpc
