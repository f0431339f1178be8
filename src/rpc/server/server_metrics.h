// What the RPC listener tells apart when it counts requests: their methods and the codes of their answers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/error.h"
#include "net/server_metrics.h"

namespace parley::rpc {

/// The methods that are told apart.
enum class Method : std::uint8_t { kSend, kPull, kReady, kOther };
inline constexpr std::array kMethodNames = {"Send", "Pull", "Ready", "other"};
static_assert(kMethodNames.size() == static_cast<std::size_t>(Method::kOther) + 1, "each method has a name");

/// How a call ended: kSuccess, the number of its error, or kException.
using Outcome = std::size_t;
inline constexpr Outcome kSuccess = 0;
inline constexpr Outcome kException = kErrorTable.size() + 1;

/// The listener counts by Method and by Outcome.
[[nodiscard]] net::ServerMetrics::Kind rpc_metrics();

}  // namespace parley::rpc
