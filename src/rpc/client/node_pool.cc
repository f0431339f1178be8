#include "rpc/client/node_pool.h"

#include <algorithm>
#include <utility>

namespace parley::rpc {

using boost::asio::ip::tcp;

NodePool::NodePool(net::Loop& loop, const ClientOptions& options, StoreIdentity& identity, net::ClientMetrics& metrics,
                   std::function<void(bool)> on_lost)
    : options_(options),
      on_lost_(std::move(on_lost)),
      tasks_(loop.executor()),
      context_{{loop, tasks_, metrics, [this] { on_change(); }}, options_, identity} {}

void NodePool::set_addresses(const std::vector<tcp::endpoint>& addresses) {
  std::vector<std::shared_ptr<Node>> kept;
  for (auto& node : nodes_) {
    if (std::ranges::find(addresses, node->address()) != addresses.end()) {
      kept.push_back(std::move(node));
    } else {
      node->retire();
    }
  }
  nodes_ = std::move(kept);
  for (const tcp::endpoint& address : addresses) {
    if (std::ranges::find(nodes_, address, &Node::address) != nodes_.end()) continue;
    nodes_.push_back(std::make_shared<Node>(context_, address));
    nodes_.back()->start();
  }
}

void NodePool::stop() {
  stopped_ = true;
  set_addresses({});
}

Result<std::shared_ptr<Node>> NodePool::pick(const NodeWish& wish) {
  auto node = choose(wish);
  if (node && node->connection()->full()) {
    return fail(ErrorCode::kOverloaded, "the nodes have too many calls under way");
  }
  return node;
}

Task<std::shared_ptr<Node>> NodePool::wait_and_pick(Deadline deadline, NodeWish wish) {
  while (true) {
    auto node = pick(wish);
    if (!node || *node) co_return node;
    const Deadline now = context_.loop.now();
    if (!down_since_) down_since_ = now;
    const Deadline until = std::min(deadline, *down_since_ + options_.wait);
    if (until <= now || waiters_.size() >= options_.max_in_flight) {
      co_return fail(ErrorCode::kUnavailable, "no node can be used: " + reasons());
    }
    co_await waiters_.wait(context_.loop, until);
  }
}

bool NodePool::has_another(Nodes than) const noexcept {
  return std::ranges::any_of(
      nodes_, [than](const auto& node) { return node->up() && std::ranges::find(than, node) == than.end(); });
}

Health NodePool::health() const {
  if (std::ranges::any_of(nodes_, [](const auto& node) { return node->up() && node->takes_sends(); })) return {};
  if (has_another({})) return Health::only_reads("no node takes sends: " + reasons());
  return Health::nothing("no node can be used: " + reasons());
}

Task<void> NodePool::started(Deadline deadline) {
  while (context_.loop.now() < deadline) {
    const bool tried = std::ranges::all_of(nodes_, [](const auto& node) { return node->tried(); });
    if (tried && health().writes) break;
    co_await waiters_.wait(context_.loop, deadline);
  }
  co_return health().check();
}

std::shared_ptr<Node> NodePool::choose(const NodeWish& wish) {
  choice_.clear();
  int least = 0;
  for (const auto& node : nodes_) {
    if (!node->up() || std::ranges::find(wish.without, node) != wish.without.end()) continue;
    const bool refuses = wish.kind != RequestKind::kPull && !node->takes_sends();
    const int reservations =
        (refuses ? 4 : 0) + (node.get() == wish.avoid ? 2 : 0) + (node->connection()->full() ? 1 : 0);
    if (choice_.empty() || reservations < least) {
      choice_.clear();
      least = reservations;
    }
    if (reservations == least) choice_.push_back(&node);
  }
  if (choice_.empty()) return nullptr;
  // "The power of two choices": nearly as even as asking all, and the loops do not all rush to the same one.
  const std::size_t last = choice_.size() - 1;
  std::swap(choice_[random_() % choice_.size()], choice_[last]);
  const auto& one = *choice_[last];
  const auto& other = *choice_[last == 0 ? 0 : random_() % last];
  return other->connection()->in_flight() < one->connection()->in_flight() ? other : one;
}

void NodePool::on_change() {
  const bool lost = !has_another({});
  if (std::exchange(lost_, lost) != lost && !stopped_) on_lost_(lost);
  if (lost) {
    if (!down_since_) down_since_ = context_.loop.now();
  } else {
    down_since_.reset();
    for (const auto& node : nodes_) {
      if (node->stalled()) node->connection()->release();
    }
  }
  waiters_.wake_all();
}

std::string NodePool::reasons() const {
  std::string out;
  for (const auto& node : nodes_) out += (out.empty() ? "" : "; ") + node->reason();
  return out.empty() ? "the names of the nodes have no address" : out;
}

}  // namespace parley::rpc
