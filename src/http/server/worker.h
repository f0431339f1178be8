// One loop's part of an HTTP listener, and what all its parts share.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/memory_budget.h"
#include "http/server/host_guard.h"
#include "http/server/outbox.h"
#include "http/server/router.h"
#include "http/server/server_options.h"
#include "http/wire/response_writer.h"
#include "net/listener.h"
#include "net/worker.h"

namespace parley::http {

class Session;

/// How far a listener is.
enum class Stage : std::uint8_t {
  kServing,
  kDraining,  ///< each answer is its connection's last and says so; idle connections may still ask
  kEnding,    ///< nobody connects any more, and connections that ask nothing end
};

/// How long a listener that drains waits for a connection's next request. A client that is busy sends one within that
/// time on each of its connections, and the answer tells it to close.
inline constexpr std::chrono::milliseconds kDrainGrace{1000};

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

/// One loop's part of an HTTP listener. drain() gives what is idle until state().idle_end to ask, and closes everything
/// else after its answer.
class Worker final : public net::Worker<Session, ServerState> {
 public:
  Worker(ServerState& state, net::Loop& loop, net::LoopMetrics& metrics)
      : net::Worker<Session, ServerState>(state, loop, metrics), outbox_(std::make_shared<Outbox>(loop.executor())) {}

  /// Serves the connection, or tells it that there are too many.
  void accept(net::Socket socket);

  // For its sessions.
  [[nodiscard]] std::string_view date() { return date_.now(); }
  [[nodiscard]] Outbox& outbox() noexcept { return *outbox_; }
  /// An answer's header is written here. It holds until the session suspends.
  [[nodiscard]] std::string& header() noexcept { return header_; }

 private:
  std::shared_ptr<Outbox> outbox_;
  std::string header_;
  DateCache date_;
};

}  // namespace parley::http
