#include "redis/layout.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include <fmt/format.h>

namespace parley::redis {
namespace {

using Type = Reply::Type;

std::unexpected<Error> unusable(std::string why) { return fail(ErrorCode::kUnavailable, std::move(why)); }

std::unexpected<Error> refused(const Reply& reply, std::string_view nonsense) {
  return unusable(reply.is_error() ? reply.text : std::string(nonsense));
}

bool is_between(const Reply& reply, std::int64_t first, std::int64_t last) {
  return reply.type == Type::kInteger && reply.integer >= first && reply.integer <= last;
}

/// A node of CLUSTER SLOTS: [host, port, …]. A node that does not know its own address gives an empty host, none or
/// "?": that is where it was asked.
std::optional<net::Endpoint> read_node(const Reply& node, const net::Endpoint& asked) {
  if (node.elements.size() < 2 || !is_between(node.elements[1], 1, 65535)) return std::nullopt;
  const Reply& host = node.elements[0];
  if (host.type != Type::kString && host.type != Type::kNil) return std::nullopt;
  const bool unknown = host.text.empty() || host.text == "?";
  return net::Endpoint{unknown ? asked.host : host.text, static_cast<std::uint16_t>(node.elements[1].integer)};
}

std::uint16_t index_of(std::vector<net::Endpoint>& all, net::Endpoint one) {
  const auto found = std::ranges::find(all, one);
  const auto index = static_cast<std::uint16_t>(found - all.begin());
  if (found == all.end()) all.push_back(std::move(one));
  return index;
}

/// A range of CLUSTER SLOTS: [first slot, last slot, master, replica …]; whether it is one.
bool read_range(const Reply& range, const net::Endpoint& asked, Layout& layout) {
  constexpr std::int64_t kLast = Layout::kSlots - 1;
  const auto& parts = range.elements;
  if (parts.size() < 3 || !is_between(parts[0], 0, kLast) || !is_between(parts[1], parts[0].integer, kLast)) {
    return false;
  }
  for (std::size_t i = 2; i < parts.size(); ++i) {
    auto node = read_node(parts[i], asked);
    if (!node) return false;
    if (i > 2) {
      (void)index_of(layout.replicas, *std::move(node));
    } else {
      std::fill(layout.owners.begin() + parts[0].integer, layout.owners.begin() + parts[1].integer + 1,
                index_of(layout.masters, *std::move(node)));
    }
  }
  return true;
}

}  // namespace

Result<Layout> read_sentinel_reply(const Reply& reply, std::string_view master) {
  if (reply.type == Type::kNil) return unusable(fmt::format("the sentinel knows no master named {}", master));
  const auto& parts = reply.elements;
  net::Endpoint endpoint;
  if (parts.size() == 2 && parts[0].type == Type::kString && parts[1].type == Type::kString) {
    const std::string& port = parts[1].text;
    endpoint.host = parts[0].text;
    if (std::from_chars(port.data(), port.data() + port.size(), endpoint.port).ec != std::errc()) endpoint.port = 0;
  }
  if (endpoint.port == 0 || endpoint.host.empty()) return refused(reply, "the server is not a sentinel");
  return Layout{.masters = {std::move(endpoint)}};
}

Result<Layout> read_cluster_slots(const Reply& reply, const net::Endpoint& asked) {
  if (reply.type != Type::kArray) return refused(reply, "the server is not a node of a cluster");
  if (reply.elements.empty()) return unusable("the node knows no slots");
  Layout layout{.owners = std::vector(Layout::kSlots, Layout::kNobody)};
  for (const Reply& range : reply.elements) {
    if (!read_range(range, asked, layout)) return unusable("the server is not a node of a cluster");
  }
  return layout;
}

}  // namespace parley::redis
