// Calls to Redis: one server, what Sentinel says is the master, or a Cluster.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/metrics.h"
#include "base/task.h"
#include "net/loop.h"
#include "redis/call.h"
#include "redis/client_options.h"
#include "redis/command.h"

namespace parley::redis {

/// Each loop has one connection of its own to each master, made again and again, on which everything is pipelined, and
/// another one for what is to be replicated. What a loop calls in one turn is written together, there followed by one
/// WAIT.
///
/// Every call goes to the master that owns `key`'s hash slot. What a server refuses without executing it is followed
/// (MOVED, ASK), loaded first (NOSCRIPT) or tried again until the deadline (TRYAGAIN, LOADING, READONLY, MASTERDOWN,
/// CLUSTERDOWN, BUSY); an outage that is older than ClientOptions::patience is kRefused at once. A call that was sent
/// and whose connection ended is never sent again by the client: its caller knows whether that is safe.
class Client {
 public:
  /// The client of the servers that `options` names. Reaches for nothing yet; the loops must outlive it, and no call be
  /// under way when it goes.
  Client(net::LoopPool& loops, ClientOptions options, MetricsRegistry& metrics);
  /// As stop().
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Ends the calls and visits that are under way, and those that come later, at once. Blocks; not from a loop.
  void stop();

  /// Waits until every master was reached and has taken our name and password; kUnavailable with one line that says
  /// what is wrong (refused, wrong password, no such database, not a Redis server, no such master …). That a server
  /// does not take the password, user or database ends the wait at once: nobody mends it meanwhile. On a loop.
  [[nodiscard]] Task<void> start(Deadline deadline);

  /// On a loop. `command` is format_command()'s; all its keys are in `key`'s slot.
  [[nodiscard]] Async<CallResult> call(std::string_view key, std::string command, CallOptions options);
  /// The same with a command that `make` makes, and makes anew where it goes out later than at once, or again.
  [[nodiscard]] Async<CallResult> call(std::string_view key, std::function<std::string()> make, CallOptions options);
  /// Runs `script` over `keys`, which share a slot and are at least one. All of it stays where it is meanwhile.
  [[nodiscard]] Async<CallResult> run(const Script& script, std::span<const std::string_view> keys,
                                      std::span<const std::string_view> arguments, CallOptions options);
  /// The same, in `key`'s slot, with what `put` puts into its argument, which is empty, wherever call() would make a
  /// command.
  [[nodiscard]] Async<CallResult> run(const Script& script, std::string_view key, std::function<void(ScriptCall&)> put,
                                      CallOptions options);
  /// Visits every master that is known now, all at once, and waits for all visits. Each question of each has `patience`
  /// of its own, so that none waits for another one's server.
  [[nodiscard]] Async<> visit_masters(std::chrono::milliseconds patience,
                                      std::function<Async<>(std::string address, Ask ask)> visit);

  /// A number that changes when a master may have other data than were read before: a connection to it was lost, there
  /// is a new one, or other servers are masters. It does not change while nothing but attempts to connect fail. On a
  /// loop.
  [[nodiscard]] std::uint64_t changes() const noexcept;

  /// Whether ClientOptions::replicas asks for any. Any thread.
  [[nodiscard]] bool replicates() const noexcept;

  /// Nothing while every master can be called from this loop, else kUnavailable with why not. On a loop.
  [[nodiscard]] Result<void> ready() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The hash slot of `key`, of 16384: CRC16 of what stands between its first `{` and the next `}`, if that is not
/// empty, else of all of it (Redis Cluster specification).
[[nodiscard]] std::uint16_t hash_slot(std::string_view key) noexcept;

}  // namespace parley::redis
