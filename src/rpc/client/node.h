// One node as one loop sees it: what it says of itself, and when calls may go there.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/ip/tcp.hpp>

#include "net/connector.h"
#include "net/peer.h"
#include "rpc/client/client_options.h"
#include "rpc/client/node_connection.h"
#include "rpc/client/store_identity.h"

namespace parley::rpc {

/// What all nodes of a loop have in common; outlives them. on_change also tells that a node has changed its mind about
/// sends.
struct NodeContext : net::PeerContext {
  const ClientOptions& options;
  StoreIdentity& identity;
};

/// All on its loop's thread. Made by std::make_shared. It is up() if it is connected, answered its last probe, and does
/// not drain. After retire() it ends when its calls in flight have.
class Node : public net::Peer<Node, NodeConnection> {
 public:
  Node(NodeContext& context, boost::asio::ip::tcp::endpoint address);

  [[nodiscard]] const boost::asio::ip::tcp::endpoint& address() const noexcept { return address_; }
  /// Whether sends can succeed there too. If not, reason() says why. While up().
  [[nodiscard]] bool takes_sends() const noexcept { return takes_sends_; }
  /// Whether it is a server that knows no Ready: not ours, and its codes are its own. While up().
  [[nodiscard]] bool foreign() const noexcept { return foreign_; }
  /// Whether a repeated send with a key would be stored again: a foreign server, or a relay in front of such. While
  /// up().
  [[nodiscard]] bool keyless() const noexcept { return keyless_; }
  /// Whether it is connected and silent: what is movable there had better be asked elsewhere.
  [[nodiscard]] bool stalled() const noexcept { return stalled_ && connection_; }
  /// Whether at least one attempt to use it has come to an end, one way or the other.
  [[nodiscard]] bool tried() const noexcept { return tried_; }

 private:
  friend class net::Peer<Node, NodeConnection>;

  // For the peer.
  [[nodiscard]] Async<std::shared_ptr<NodeConnection>> connect();
  [[nodiscard]] Async<> serve();
  [[nodiscard]] bool ending() const noexcept { return connection_->leaving(); }
  [[nodiscard]] Async<> leave(std::shared_ptr<NodeConnection> connection);
  void cancel() { connector_.cancel(); }
  void tell_up(const std::string& how) const;
  void tell_down(const std::string& why) const;
  void gone() { voice_.reset(); }

  [[nodiscard]] Async<> probe();
  /// What the answer to a probe that was made at `asked`, by our wall clock, says of the node.
  void judge(const CallResult& result, std::int64_t asked);
  /// Whether calls may go to a node over the store of this id (empty: a keyless one); leaves it out where they may not.
  [[nodiscard]] bool accept(const std::string& store_id);
  /// Whether it has been silent for that long, and so is left out.
  bool judge_silence(std::chrono::steady_clock::duration patience);
  /// `refusal`: why it takes no sends; empty: it does.
  void take_calls(const std::string& refusal = {});
  void attempt_over();

  NodeContext& context_;
  const boost::asio::ip::tcp::endpoint address_;
  std::optional<StoreIdentity::Voice> voice_;  // until it connects no more: who nudges may keep the node for longer
  net::Connector connector_;
  Deadline connected_at_{};
  bool foreign_ = false;  // knows no Ready
  bool keyless_ = false;
  bool takes_sends_ = false;
  bool stalled_ = false;
  bool tried_ = false;
};

}  // namespace parley::rpc
