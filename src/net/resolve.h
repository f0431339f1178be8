// From a name to its addresses.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <vector>

#include <boost/asio/ip/tcp.hpp>

#include "base/task.h"
#include "net/endpoint.h"

namespace parley::net {

using Addresses = std::vector<boost::asio::ip::tcp::endpoint>;

/// Looks up a name, which stays where it is meanwhile; kUnavailable with why where that is not possible, or soon after
/// `stop`, which is requested on the loop.
using Resolve = std::function<Task<Addresses>(const Endpoint& name, std::stop_token stop)>;

/// The address that the name is; nothing where it must be looked up.
[[nodiscard]] std::optional<boost::asio::ip::tcp::endpoint> literal_address(const Endpoint& name);

/// The system's resolver; of a name with IPv4 addresses, just those: the others are the same servers again. On a loop.
/// It may take its time, and nothing can hurry it: each name has a thread of its own, which `stop` leaves to itself.
[[nodiscard]] Task<Addresses> resolve_by_system(const Endpoint& name, std::stop_token stop = {});

}  // namespace parley::net
