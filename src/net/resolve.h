// From a name to its addresses.
#pragma once

#include <functional>
#include <vector>

#include <boost/asio/ip/tcp.hpp>

#include "base/task.h"
#include "net/endpoint.h"

namespace parley::net {

using Addresses = std::vector<boost::asio::ip::tcp::endpoint>;

/// Looks up a name, which stays where it is meanwhile; kUnavailable with why where that is not possible.
using Resolve = std::function<Task<Addresses>(const Endpoint& name)>;

/// The system's resolver; of a name with IPv4 addresses, just those: the others are the same servers again. On a loop.
[[nodiscard]] Task<Addresses> resolve_by_system(const Endpoint& name);

}  // namespace parley::net
