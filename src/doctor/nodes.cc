#include "doctor/nodes.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/metrics.h"
#include "net/loop.h"
#include "net/resolve.h"
#include "rpc/client/remote_service.h"

namespace parley::doctor {
namespace {

/// People read the times of messages. Half a second does not mislead them.
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
    return {subject, node.failure, "if the other nodes fail, no request is answered",
            "start this node, or remove it from --backend"};
  }
  if (node.store_id.empty())
    return {subject, "it answers, but it is a server of another kind, so nothing more is known"};
  return {subject,
          fmt::format("it is ready, with durability {}", node.durability.empty() ? "unknown" : node.durability)};
}

/// The different answers of the nodes, without empty ones.
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
    return {"nodes' stores", "some nodes are Parley's, others are servers of another kind",
            "the gateway refuses one kind, since a send with a key could be stored twice",
            "name nodes of one kind only in --backend"};
  }
  if (ids.size() < 2) return {"nodes' stores", ids.empty() ? "not known" : "all nodes have the same store"};
  return {"nodes' stores", fmt::format("the nodes have {} different stores", ids.size()),
          "the gateway uses the nodes of one store only, since each store has part of the messages",
          "start all nodes with the same --store"};
}

Finding judge_durability(const std::vector<NodeFacts>& nodes) {
  const auto levels = answers(nodes, &NodeFacts::durability);
  if (levels.size() < 2) return {"nodes' durability", levels.empty() ? "not known" : "all nodes have the same"};
  return {"nodes' durability", fmt::format("some nodes have {}", fmt::join(levels, ", others ")),
          "some sends are acknowledged before they are on a disk", "start all nodes with the same --durability"};
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
  const std::string found =
      fmt::format("the clocks differ by {:.1f} ms", static_cast<double>((most - least).count()) / 1e3);
  if (most - least <= kMostSkew) return {"clocks", found};
  return {"clocks", found, "times of messages are wrong by that much, and so is the time for which keys are remembered",
          "run a time service on all machines (chrony or systemd-timesyncd)"};
}

}  // namespace

std::vector<NodeFacts> ask_nodes(const std::vector<net::Endpoint>& names, const rpc::ClientOptions& options,
                                 std::chrono::milliseconds patience) {
  net::LoopPool loops(1);
  std::vector<NodeFacts> out;
  for (const net::Endpoint& name : names) {
    const auto found = net::run_on(loops[0], net::resolve_by_system(name));
    if (!found) {
      out.push_back({.address = name.to_string(), .failure = found.error().detail});
      continue;
    }
    for (const auto& address : *found) {
      out.push_back(ask(loops, {address.address().to_string(), address.port()}, options, loops.now() + patience));
    }
  }
  return out;
}

Findings judge_nodes(const std::vector<NodeFacts>& nodes) {
  Findings out;
  for (const NodeFacts& node : nodes) out.push_back(judge_node(node));
  if (std::ranges::none_of(nodes, [](const NodeFacts& node) { return node.failure.empty(); })) {
    out.push_back(
        {"nodes", "no node could be reached", "no request is answered", "start the nodes, or correct --backend"});
    return out;
  }
  for (const auto judge : {judge_stores, judge_durability, judge_clocks}) out.push_back(judge(nodes));
  return out;
}

}  // namespace parley::doctor
