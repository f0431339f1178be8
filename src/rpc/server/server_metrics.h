// What the RPC listener tells apart when it counts requests: their methods and the codes of their answers.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/error.h"
#include "net/server_metrics.h"

namespace parley::rpc {

/// How a call ended: kSuccess, the number of its error, or kException.
using Outcome = std::size_t;
inline constexpr Outcome kSuccess = 0;
inline constexpr Outcome kException = kErrorTable.size() + 1;

/// The listener counts by the number of a method in `methods`, and by Outcome.
[[nodiscard]] net::ServerMetrics::Kind rpc_metrics(std::vector<std::string> methods);

}  // namespace parley::rpc
