// A call to Redis: what may be said about it, and how it ended.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/task.h"
#include "redis/reply.h"

namespace parley::redis {

/// How a call ended.
struct CallResult {
  enum class Outcome : std::uint8_t {
    kAnswered,  ///< `reply` is the server's; an error only if it says that the command itself was wrong or refused
    kShort,     ///< executed, `reply` is the server's, but too few replicas have confirmed it in time
    kExpired,   ///< the deadline passed
    kLost,      ///< the connection ended
    kFull,      ///< as many calls as may be are under way
    kTooLarge,  ///< executed, but the reply is larger than ReplyLimits; that ended the connection, for others as kLost
    kRefused,   ///< the server takes no such calls now (OOM, MISCONF, NOREPLICAS, LOADING, CLUSTERDOWN …, or none is
                ///< known); `why` says so. Nothing was executed. The last, and the only one that is no single server's
  };
  Outcome outcome = Outcome::kRefused;
  bool sent = false;  ///< whether it may have been executed, now or later; false: it surely was not, nor will be
  Reply reply{};
  std::string why{};  ///< for a person, where there is no reply
};

/// How calls to one server end, in the order of CallResult::Outcome.
inline constexpr auto kOutcomeNames =
    std::to_array<std::string_view>({"answered", "short", "expired", "lost", "full", "too_large"});
static_assert(kOutcomeNames.size() == static_cast<std::size_t>(CallResult::Outcome::kRefused),
              "each outcome of one server's calls has a name");

struct CallOptions {
  Deadline deadline = kNoDeadline;
  bool replicate = false;  ///< answered once ClientOptions::replicas replicas have confirmed it, by WAIT
  bool* begun = nullptr;   ///< tells, while the call is under way, whether it may have been sent. On the loop
};

/// Asks one server that somebody else has chosen, and says for how long it may take; `command` is format_command()'s.
using Ask = std::function<Async<CallResult>(std::string command)>;

}  // namespace parley::redis
