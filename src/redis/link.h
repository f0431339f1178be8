// The way to one server as one loop sees it: a connection, made again and again, and whether calls may go there.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/log_limits.h"
#include "base/task_group.h"
#include "net/backoff.h"
#include "net/endpoint.h"
#include "net/loop.h"
#include "net/waiters.h"
#include "redis/client_metrics.h"
#include "redis/client_options.h"
#include "redis/connection.h"
#include "redis/dialer.h"

namespace parley::redis {

/// What all links of a loop have in common; outlives them.
struct LinkContext {
  net::Loop& loop;
  TaskGroup& tasks;
  const ClientOptions& options;
  ClientMetrics& metrics;
  std::function<void()> on_change;  ///< a link has come up, gone down or failed an attempt
  std::function<void()> look;       ///< somebody else may be the master now
};

/// All on its loop's thread. Made by std::make_shared.
class Link : public std::enable_shared_from_this<Link> {
 public:
  /// The name `server` is resolved anew for each connection.
  Link(LinkContext& context, net::Endpoint server, Kind kind);

  /// Connects, probes and reconnects until retire(). Once.
  void start();
  /// Takes no more calls, and ends those that are under way: what it may still answer does not count, since another
  /// server may have been written to meanwhile.
  void retire();
  /// Takes no more calls on this connection, lets those that are under way end for a while, and makes another one.
  void renew();

  [[nodiscard]] const net::Endpoint& server() const noexcept { return server_; }
  [[nodiscard]] net::PeerMetrics& metrics() noexcept { return *metrics_; }
  /// Whether calls may go there: it is connected, introduced and not silent.
  [[nodiscard]] bool up() const noexcept { return up_ && !over(); }
  /// The connection to call on. While up().
  [[nodiscard]] const std::shared_ptr<Connection>& connection() const noexcept { return connection_; }
  /// Whether the server did not take what we were told to use, when it was asked last.
  [[nodiscard]] bool turned_away() const noexcept { return turned_away_; }
  /// Since when it is not up. While it is not.
  [[nodiscard]] Deadline down_since() const noexcept { return down_since_; }
  /// Why it is not up, for a person, with its name.
  [[nodiscard]] std::string reason() const;

 private:
  static Async<> run(std::shared_ptr<Link> self);
  /// One connection, from the attempt to make it until no new call should go there.
  [[nodiscard]] Async<> serve();
  /// Whether the server may be used, as ClientOptions::on_connect says.
  [[nodiscard]] Task<void> admit();
  /// Asks whether it lives, where nothing else asks.
  [[nodiscard]] Async<> probe();
  void judge_silence();
  void set_up();
  void set_down(std::string reason, Deadline since);
  /// Whether no new call should go to this connection.
  [[nodiscard]] bool over() const noexcept { return retired_ || renewing_ || !connection_ || connection_->closed(); }
  [[nodiscard]] bool retired() const noexcept { return retired_; }
  /// Suspends for `time`, or until `ended`.
  [[nodiscard]] Async<> pause(std::chrono::steady_clock::duration time, bool (Link::*ended)() const noexcept);
  /// Ends the connection once its calls have ended, if that is in time.
  [[nodiscard]] Async<> leave(std::shared_ptr<Connection> connection);
  void nudge();

  LinkContext& context_;
  const net::Endpoint server_;
  const std::string name_;
  const Kind kind_;
  const std::shared_ptr<net::PeerMetrics> metrics_;
  Dialer dialer_;
  std::shared_ptr<Connection> connection_;
  net::Backoff backoff_;
  std::string reason_ = "the server was not tried yet";
  StateLog log_;
  Deadline down_since_;
  bool up_ = false;
  bool turned_away_ = false;
  bool renewing_ = false;
  bool retired_ = false;
  net::TimedWakeup happened_;
};

}  // namespace parley::redis
