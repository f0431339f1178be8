// What Redis' errors say about whether a command was executed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "net/endpoint.h"

namespace parley::redis {

/// The errors that mean that nothing was executed. Their codes are the first word of an error.
enum class Refusal : std::uint8_t {
  kMoved,          ///< another node owns the slot
  kAsk,            ///< another node has the key by now
  kTryAgain,       ///< some of the keys are on their way to another node
  kLoading,        ///< the server reads its data from disk
  kReadOnly,       ///< it is a replica
  kMasterDown,     ///< it is a replica, and has lost its master
  kClusterDown,    ///< the cluster is down, or nobody has the slot
  kBusy,           ///< a script runs for too long
  kNoScript,       ///< EVALSHA of what has not been loaded
  kNoReplicas,     ///< fewer replicas than min-replicas-to-write
  kOutOfMemory,    ///< maxmemory is reached
  kMisconfigured,  ///< what should be on disk could not be written
  kNoAuth,         ///< no password was given
  kNoPermission,   ///< the user may not
  kWrongPassword,  ///< the last
};

/// The codes, in the order of Refusal.
inline constexpr auto kRefusalCodes = std::to_array<std::string_view>(
    {"MOVED", "ASK", "TRYAGAIN", "LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "BUSY", "NOSCRIPT", "NOREPLICAS",
     "OOM", "MISCONF", "NOAUTH", "NOPERM", "WRONGPASS"});
static_assert(kRefusalCodes.size() == static_cast<std::size_t>(Refusal::kWrongPassword) + 1, "each refusal has a code");

/// Which of them `error` is, if it is one.
///
/// Of a script it can be an error of a command in it, which came after others that were executed. Redis checks for
/// READONLY, MISCONF, NOREPLICAS and OOM only until a script's first write, so that these still mean that it wrote
/// nothing; NOPERM is checked for each command, and so is no refusal of a script.
[[nodiscard]] std::optional<Refusal> refusal_of(std::string_view error, bool of_script) noexcept;

/// Whether the same may be accepted a little later without anybody doing something.
[[nodiscard]] bool passes_by_itself(Refusal refusal) noexcept;

/// Where `MOVED slot host:port` and `ASK slot host:port` lead; an empty host is that of the server that said so.
[[nodiscard]] std::optional<net::Endpoint> target_of(std::string_view error);

}  // namespace parley::redis
