// One loop's part of an HTTP listener: its connections and what they share.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>

#include "base/clock.h"
#include "base/log_limits.h"
#include "base/memory_budget.h"
#include "base/request_ids.h"
#include "base/task_group.h"
#include "http/server/host_guard.h"
#include "http/server/outbox.h"
#include "http/server/router.h"
#include "http/server/server_metrics.h"
#include "http/server/server_options.h"
#include "http/wire/response_writer.h"
#include "net/listener.h"
#include "net/loop.h"

namespace parley::http {

class Session;

/// How far a listener is.
enum class Stage : std::uint8_t {
  kServing,
  kDraining,  ///< each answer is its connection's last and says so; idle connections may still ask
  kEnding,    ///< nobody connects any more, and connections that ask nothing end
};

/// What all connections of a listener share. Read-only while it serves, but for the atomics.
struct ServerState {
  ServerState(HttpOptions http_options, Routes routes, bool loopback, MemoryBudget& memory)
      : options(std::move(http_options)),
        router(std::move(routes)),
        guard(options, loopback),
        keep_alive(keep_alive_lines(options.idle_timeout)),
        budget(memory) {}

  HttpOptions options;
  Router router;
  HostGuard guard;
  std::string keep_alive;
  MemoryBudget& budget;
  std::atomic<Stage> stage{Stage::kServing};
  Deadline idle_end{};                      ///< when connections that ask nothing end; set before kEnding
  std::atomic<std::size_t> connections{0};  ///< that are served, and so count against the cap
  std::atomic<std::size_t> refusals{0};     ///< that are being told that they are past the cap
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

  /// Serves the connection, or tells it that there are too many.
  void accept(net::Socket socket);

  /// Gives what is idle until state().idle_end to ask, and closes everything else after its answer.
  void drain();
  /// Closes everything. A request that a route is working on ends when the route does, unanswered.
  void cut();
  /// Suspends until no connection is left. One waiter at a time.
  [[nodiscard]] Async<> ended() { return sessions_group_.wait(); }

  // For its sessions.
  void forget(Session& session) noexcept { sessions_.erase(&session); }
  [[nodiscard]] ServerState& state() noexcept { return state_; }
  [[nodiscard]] net::Loop& loop() noexcept { return loop_; }
  [[nodiscard]] LoopMetrics& metrics() noexcept { return metrics_; }
  [[nodiscard]] std::string_view date() { return date_.now(); }
  /// Bytes are read into here first. They hold until the session suspends.
  [[nodiscard]] char* scratch() noexcept { return scratch_.get(); }
  [[nodiscard]] Outbox& outbox() noexcept { return *outbox_; }
  /// An answer's header is written here. It holds until the session suspends.
  [[nodiscard]] std::string& header() noexcept { return header_; }

  [[nodiscard]] RequestIds& request_ids() noexcept { return request_ids_; }
  [[nodiscard]] LogBudget& log_budget() noexcept { return log_budget_; }

 private:
  ServerState& state_;
  net::Loop& loop_;
  LoopMetrics& metrics_;
  TaskGroup sessions_group_;
  std::unordered_set<Session*> sessions_;
  std::unique_ptr<char[]> scratch_;
  std::shared_ptr<Outbox> outbox_;
  std::string header_;
  DateCache date_;
  RequestIds request_ids_;
  LogBudget log_budget_;
};

}  // namespace parley::http
