// Makes connections that are ready for calls: connected, let in, on their database, and to the right kind of server.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "base/task_group.h"
#include "net/client_metrics.h"
#include "net/connector.h"
#include "net/endpoint.h"
#include "net/loop.h"
#include "redis/client_options.h"
#include "redis/connection.h"

namespace parley::redis {

/// What kind of server is dialed.
enum class Kind : std::uint8_t {
  kMaster,    ///< of one server, or as Sentinel says: it must not be a replica
  kNode,      ///< of a cluster, which has no databases; the slots say who is a master
  kSentinel,  ///< where a password that is not asked for is no mistake
};

/// One attempt at a time. On its loop's thread; `options` outlive it.
class Dialer {
 public:
  /// The connections that it makes belong into `tasks`.
  Dialer(net::Loop& loop, TaskGroup& tasks, const ClientOptions& options);

  /// Resolves the name, connects and introduces us, each within ClientOptions::connect_timeout. kUnavailable with one
  /// line that says what is wrong. The connection is counted in `metrics`; `on_end` is Connection's.
  [[nodiscard]] Task<std::shared_ptr<Connection>> dial(const net::Endpoint& server, Kind kind,
                                                       std::shared_ptr<net::PeerMetrics> metrics,
                                                       std::function<void()> on_end);
  /// Whether the last attempt failed by what we were told to use: the password, the user or the database. That does not
  /// pass by itself.
  [[nodiscard]] bool turned_away() const noexcept { return turned_away_; }
  /// Ends the attempt that is under way, if one is.
  void cancel();

 private:
  [[nodiscard]] Task<std::unique_ptr<net::Channel>> connect(const net::Endpoint& server);
  [[nodiscard]] Task<void> introduce(Connection& connection, Kind kind);
  [[nodiscard]] Task<void> authenticate(Connection& connection, Kind kind);
  [[nodiscard]] Task<void> select(Connection& connection);
  /// Whether it is alive, has let us in and has its data.
  [[nodiscard]] Task<void> ping(Connection& connection);
  [[nodiscard]] Task<void> check_role(Connection& connection) const;
  [[nodiscard]] std::unexpected<Error> turn_away(std::string why);
  /// The answer, or why there is none.
  [[nodiscard]] Task<Reply> ask(Connection& connection, std::string command) const;

  net::Loop& loop_;
  TaskGroup& tasks_;
  const ClientOptions& options_;
  net::Connector connector_;
  std::shared_ptr<Connection> introducing_;
  std::stop_source cancelled_;  // of the attempt
  bool turned_away_ = false;
};

}  // namespace parley::redis
