// The nodes of one loop, and which of them gets the next call.
#pragma once

#include <cstddef>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <boost/asio/ip/tcp.hpp>

#include "base/health.h"
#include "base/task_group.h"
#include "net/client_metrics.h"
#include "net/waiters.h"
#include "rpc/client/node.h"
#include "rpc/client/verdict.h"

namespace parley::rpc {

/// Which node a call wants.
struct NodeWish {
  RequestKind kind;
  const Node* avoid = nullptr;                       ///< if there is another
  std::span<const std::shared_ptr<Node>> without{};  ///< never one of these
};

/// All on its loop's thread, but for the constructor and destructor.
class NodePool {
 public:
  using Nodes = std::span<const std::shared_ptr<Node>>;

  /// `on_lost` is called with true once no node can be used any longer, and with false once one can again. So it is not
  /// at first.
  NodePool(net::Loop& loop, const ClientOptions& options, StoreIdentity& identity, net::ClientMetrics& metrics,
           std::function<void(bool)> on_lost);

  /// The nodes are these from now on: new ones are used, others retired.
  void set_addresses(const std::vector<boost::asio::ip::tcp::endpoint>& addresses);
  /// Retires all. Calls must have ended.
  void stop();
  /// Suspends until nothing is left of any node. After stop().
  [[nodiscard]] Async<> ended() { return tasks_.wait(); }

  /// A node for a call; nothing where none can be used. Sends go to a node that takes none only where all are so.
  /// kOverloaded: none takes another call.
  [[nodiscard]] Result<std::shared_ptr<Node>> pick(const NodeWish& wish);
  /// As pick(), but where none can be used waits for one while the outage is young. kUnavailable: none came, with why.
  [[nodiscard]] Task<std::shared_ptr<Node>> wait_and_pick(Deadline deadline, NodeWish wish);

  /// Whether a node other than these can be used now.
  [[nodiscard]] bool has_another(Nodes than) const noexcept;

  /// Whether a node can be used, and takes sends.
  [[nodiscard]] Health health() const;

  /// Waits until every node has been tried and one takes sends, or the deadline. kUnavailable: none does.
  [[nodiscard]] Task<void> started(Deadline deadline);

 private:
  /// The one with fewer calls of two at random, of those that suit best; nothing where none can be used. One without
  /// room for a call is the last choice.
  [[nodiscard]] std::shared_ptr<Node> choose(const NodeWish& wish);
  void on_change();
  [[nodiscard]] std::string reasons() const;

  ClientOptions options_;
  const std::function<void(bool)> on_lost_;
  TaskGroup tasks_;
  NodeContext context_;
  std::vector<std::shared_ptr<Node>> nodes_;
  std::vector<const std::shared_ptr<Node>*> choice_;  // choose()'s, kept for its memory
  net::Waiters waiters_;                              // for a node
  std::optional<Deadline> down_since_;                // since when no node can be used
  bool lost_ = true;                                  // as on_lost_ was told
  bool stopped_ = false;
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace parley::rpc
