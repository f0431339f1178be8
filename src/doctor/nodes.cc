#include "doctor/nodes.h"

#include <algorithm>
#include <set>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <fmt/format.h>

#include "base/metrics.h"
#include "net/loop.h"
#include "net/resolve.h"
#include "rpc/client/remote_service.h"

namespace parley::doctor {
namespace {

/// Times of messages tell people when something was said, and the order across chats.
constexpr std::chrono::milliseconds kMostSkew{500};

NodeFacts ask(net::LoopPool& loops, const net::Endpoint& node, const rpc::ClientOptions& options, Deadline deadline) {
  MetricsRegistry metrics;
  rpc::RemoteService service(loops, {node}, {}, options, metrics);
  NodeFacts facts{.address = node.to_string()};
  if (const auto started = service.wait_until_started(deadline); !started) {
    facts.failure = started.error().detail;
    return facts;
  }
  facts.store_id = service.store_id();
  facts.durability = service.durability();
  facts.clock_offset = service.clock_offset();
  return facts;
}

Finding judge_node(const NodeFacts& node) {
  const std::string subject = "node " + node.address;
  if (!node.failure.empty()) {
    return {subject, node.failure, "that requests are answered when the other nodes fail",
            "start it, or take it out of --backend"};
  }
  if (node.store_id.empty()) return {subject, "it is up, and a server of another kind: nothing more is known of it"};
  return {subject, fmt::format("it is ready; durability {}", node.durability.empty() ? "not told" : node.durability)};
}

/// How many different answers the usable nodes give, empty ones left out.
std::set<std::string> answers(const std::vector<NodeFacts>& nodes, std::string NodeFacts::* answer) {
  std::set<std::string> out;
  for (const NodeFacts& node : nodes) {
    if (!(node.*answer).empty()) out.insert(node.*answer);
  }
  return out;
}

Finding judge_stores(const std::vector<NodeFacts>& nodes) {
  const auto ids = answers(nodes, &NodeFacts::store_id);
  const auto has_none = [](const NodeFacts& node) { return node.failure.empty() && node.store_id.empty(); };
  if (!ids.empty() && std::ranges::any_of(nodes, has_none)) {
    return {"nodes' stores", "some nodes have one, others are servers of another kind",
            "that a send with a key is stored once: a gateway refuses such nodes", "take either out of --backend"};
  }
  if (ids.size() < 2) return {"nodes' stores", ids.empty() ? "not known" : "they share one"};
  return {"nodes' stores", fmt::format("there are {}", ids.size()),
          "that a chat is whole wherever it is read: a gateway refuses such nodes", "give all nodes the same --store"};
}

Finding judge_durability(const std::vector<NodeFacts>& nodes) {
  const auto levels = answers(nodes, &NodeFacts::durability);
  if (levels.size() < 2) return {"nodes' durability", levels.empty() ? "not known" : "it is the same"};
  return {"nodes' durability", fmt::format("some have {}", fmt::join(levels, ", others ")),
          "that every acknowledgement means the same", "give all nodes the same --durability"};
}

Finding judge_clocks(const std::vector<NodeFacts>& nodes) {
  if (answers(nodes, &NodeFacts::store_id).empty()) return {"clocks", "not known"};
  auto least = std::chrono::microseconds::max();
  auto most = std::chrono::microseconds::min();
  for (const NodeFacts& node : nodes) {
    if (node.store_id.empty()) continue;
    least = std::min(least, node.clock_offset);
    most = std::max(most, node.clock_offset);
  }
  // Our own clock stamps nothing, but a difference from it is a difference too.
  least = std::min(least, std::chrono::microseconds(0));
  most = std::max(most, std::chrono::microseconds(0));
  const std::string found = fmt::format("they differ by {:.1f} ms", static_cast<double>((most - least).count()) / 1e3);
  if (most - least <= kMostSkew) return {"clocks", found};
  return {"clocks", found,
          "that times tell when a message was sent, and that keys are remembered for --idempotency-window",
          "let all machines follow one time service (chrony, systemd-timesyncd)"};
}

}  // namespace

std::vector<NodeFacts> ask_nodes(const std::vector<net::Endpoint>& names, const rpc::ClientOptions& options,
                                 std::chrono::milliseconds patience) {
  net::LoopPool loops(1);
  std::vector<NodeFacts> out;
  for (const net::Endpoint& name : names) {
    const auto found =
        boost::asio::co_spawn(loops[0].executor(), net::resolve_by_system(name), boost::asio::use_future).get();
    if (!found) {
      out.push_back({.address = name.to_string(), .failure = found.error().detail});
      continue;
    }
    for (const auto& address : *found) {
      out.push_back(ask(loops, {address.address().to_string(), address.port()}, options,
                        std::chrono::steady_clock::now() + patience));
    }
  }
  return out;
}

Findings judge_nodes(const std::vector<NodeFacts>& nodes) {
  Findings out;
  for (const NodeFacts& node : nodes) out.push_back(judge_node(node));
  if (std::ranges::none_of(nodes, [](const NodeFacts& node) { return node.failure.empty(); })) {
    out.push_back({"nodes", "none was reached", "that anything is answered, out of one store and at one durability",
                   "start them, or mend --backend"});
    return out;
  }
  for (const auto judge : {judge_stores, judge_durability, judge_clocks}) out.push_back(judge(nodes));
  return out;
}

}  // namespace parley::doctor
