// One node as one loop sees it: its connection, made again and again, and whether calls may go there.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/ip/tcp.hpp>

#include "base/log_limits.h"
#include "base/task_group.h"
#include "net/backoff.h"
#include "net/client_metrics.h"
#include "net/connector.h"
#include "net/loop.h"
#include "net/waiters.h"
#include "rpc/client/client_options.h"
#include "rpc/client/node_connection.h"
#include "rpc/client/store_identity.h"

namespace parley::rpc {

/// What all nodes of a loop have in common; outlives them.
struct NodeContext {
  net::Loop& loop;
  TaskGroup& tasks;
  const ClientOptions& options;
  StoreIdentity& identity;
  /// A node has come up, gone down, failed its first attempt or changed its mind about sends.
  std::function<void()> on_change;
};

/// All on its loop's thread. Made by std::make_shared.
class Node : public std::enable_shared_from_this<Node> {
 public:
  Node(NodeContext& context, boost::asio::ip::tcp::endpoint address, net::ClientMetrics& metrics);

  /// Connects, probes and reconnects until retire(). Once.
  void start();
  /// Takes no more calls and ends when those in flight have.
  void retire();

  [[nodiscard]] const boost::asio::ip::tcp::endpoint& address() const noexcept { return address_; }
  [[nodiscard]] net::PeerMetrics& metrics() noexcept { return *metrics_; }
  /// Whether calls may go there: it is connected, answered its last probe, and does not drain.
  [[nodiscard]] bool up() const noexcept { return up_ && !over(); }
  /// Whether sends can succeed there too; where not, it says so itself. While up().
  [[nodiscard]] bool takes_sends() const noexcept { return takes_sends_; }
  /// The connection to call on. While up().
  [[nodiscard]] const std::shared_ptr<NodeConnection>& connection() const noexcept { return connection_; }
  /// Whether it is a server that knows no Ready: not ours, and its codes are its own. While up().
  [[nodiscard]] bool foreign() const noexcept { return foreign_; }
  /// Whether a repeated send with a key would be stored again: a foreign server, or a relay in front of such. While
  /// up().
  [[nodiscard]] bool keyless() const noexcept { return keyless_; }
  /// Whether it is connected and silent: what is movable there had better be asked elsewhere.
  [[nodiscard]] bool stalled() const noexcept { return stalled_ && connection_; }
  /// Whether at least one attempt to use it has come to an end, one way or the other.
  [[nodiscard]] bool tried() const noexcept { return tried_; }
  /// Why it is not up, or takes no sends, for a person, with its address.
  [[nodiscard]] std::string reason() const;

 private:
  static Async<> run(std::shared_ptr<Node> self);
  /// One connection, from the attempt to make it until no new call should go there.
  [[nodiscard]] Async<> serve();
  static Async<> carry(std::shared_ptr<net::PeerMetrics> metrics, std::shared_ptr<NodeConnection> connection,
                       TaskGroup& tasks);
  /// A connection that is ready for calls; nothing, and why in reason_, when there is none.
  [[nodiscard]] Async<std::unique_ptr<net::Channel>> connect();
  [[nodiscard]] Async<> probe();
  /// What the answer to a probe that was made at `asked`, by our wall clock, says of the node.
  void judge(const CallResult& result, std::int64_t asked);
  /// Whether calls may go to a node over the store of this id (empty: a keyless one); leaves it out where they may not.
  [[nodiscard]] bool accept(const std::string& store_id);
  /// Whether it has been silent for that long, and so is left out.
  bool judge_silence(std::chrono::steady_clock::duration patience);
  /// `refusal`: why it takes no sends; empty: it does.
  void set_up(const std::string& refusal = {});
  void set_down(std::string reason);
  void attempt_over();
  /// Whether no new call should go to this connection.
  [[nodiscard]] bool over() const noexcept { return retired_ || (connection_ && connection_->leaving()); }
  /// Suspends for `time`, or until it is over.
  [[nodiscard]] Async<> pause(std::chrono::steady_clock::duration time);
  void nudge();

  NodeContext& context_;
  const boost::asio::ip::tcp::endpoint address_;
  const std::string name_;
  const std::shared_ptr<net::PeerMetrics> metrics_;
  std::optional<StoreIdentity::Voice> voice_;  // until run() ends: who nudges may keep the node for longer
  net::Connector connector_;
  std::shared_ptr<NodeConnection> connection_;
  net::Backoff backoff_;
  std::string reason_ = "the node was not tried yet";
  StateLog log_;
  bool foreign_ = false;  // knows no Ready
  bool keyless_ = false;
  bool up_ = false;
  bool takes_sends_ = false;
  bool stalled_ = false;
  bool tried_ = false;
  bool retired_ = false;
  net::TimedWakeup happened_;
};

}  // namespace parley::rpc
