// Which servers are masters, and of which hash slots.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "net/endpoint.h"
#include "redis/reply.h"

namespace parley::redis {

struct Layout {
  static constexpr std::size_t kSlots = 16384;
  static constexpr std::uint16_t kNobody = 0xFFFF;

  std::vector<net::Endpoint> masters{};
  std::vector<std::uint16_t> owners{};    ///< of each slot, as an index into `masters`; empty: the only master has all
  std::vector<net::Endpoint> replicas{};  ///< which know the layout, too
  std::string why{};                      ///< there is no master, for a person

  friend bool operator==(const Layout&, const Layout&) = default;
};

/// What a sentinel answers to SENTINEL get-master-addr-by-name. kUnavailable: it knows none of this name, or it is no
/// such answer.
[[nodiscard]] Result<Layout> read_sentinel_reply(const Reply& reply, std::string_view master);

/// What the node of a cluster at `asked` answers to CLUSTER SLOTS. kUnavailable: it is no such answer, or empty.
[[nodiscard]] Result<Layout> read_cluster_slots(const Reply& reply, const net::Endpoint& asked);

}  // namespace parley::redis
