// The way to one server as one loop sees it: which server, and when calls may go there.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "net/endpoint.h"
#include "net/peer.h"
#include "redis/client_options.h"
#include "redis/connection.h"
#include "redis/dialer.h"

namespace parley::redis {

/// What all links of a loop have in common; outlives them.
struct LinkContext : net::PeerContext {
  const ClientOptions& options;
  std::function<void()> look;     ///< somebody else may be the master now
  std::function<void()> on_link;  ///< a connection for calls was lost, or there is a new one
};

/// All on its loop's thread. Made by std::make_shared. After retire() calls that are under way end: what the server may
/// still answer does not count, since another server may have been written to meanwhile.
class Link : public net::Peer<Link, Connection> {
 public:
  /// The name `server` is resolved anew for each connection.
  Link(LinkContext& context, net::Endpoint server, Kind kind);

  /// Takes no more calls on this connection, lets those that are under way end for a while, and makes another one.
  void renew();

  [[nodiscard]] const net::Endpoint& server() const noexcept { return server_; }
  /// Whether the server did not take what we were told to use, when it was asked last.
  [[nodiscard]] bool turned_away() const noexcept { return turned_away_; }
  /// Since when it is not up. While it is not.
  [[nodiscard]] Deadline down_since() const noexcept { return down_since_; }

 private:
  friend class net::Peer<Link, Connection>;

  // For the peer.
  [[nodiscard]] Async<std::shared_ptr<Connection>> connect();
  [[nodiscard]] Async<> serve();
  [[nodiscard]] bool ending() const noexcept { return renewing_ || connection_->closed(); }
  [[nodiscard]] Async<> leave(std::shared_ptr<Connection> connection);
  void cancel();
  void tell_up(const std::string& how) const;
  void tell_down(const std::string& why) const;

  /// Whether the server may be used, as ClientOptions::on_connect says.
  [[nodiscard]] Task<void> admit();
  /// Asks whether it lives, if nothing else asks.
  [[nodiscard]] Async<> probe();
  void judge_silence();
  void set_down(std::string reason, Deadline since);

  LinkContext& context_;
  const net::Endpoint server_;
  const Kind kind_;
  Dialer dialer_;
  Deadline down_since_;
  bool turned_away_ = false;
  bool renewing_ = false;
  bool served_ = false;  // calls may have gone to the connection
};

}  // namespace parley::redis
