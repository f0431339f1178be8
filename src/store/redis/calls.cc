#include "store/redis/calls.h"

#include <string>

#include "base/quote.h"

namespace parley::store {
namespace {

using redis::CallResult;

constexpr std::size_t kMaxShown = 200;  // bytes of what a server says

std::string why(const RedisAnswer& answer) {
  const redis::Reply& reply = answer.reply();
  if (!answer.answered()) return answer.result.why;
  if (!reply.is_error()) return "its answer makes no sense";
  return escape_controls(std::string_view(reply.text).substr(0, kMaxShown));
}

}  // namespace

Error read_failure(const RedisAnswer& answer) {
  switch (answer.result.outcome) {
    case CallResult::Outcome::kExpired: return too_late("before Redis answered").error();
    case CallResult::Outcome::kFull: return {ErrorCode::kOverloaded, "too many calls to Redis are under way"};
    case CallResult::Outcome::kLost: return {ErrorCode::kUnavailable, "the connection to Redis was lost"};
    case CallResult::Outcome::kTooLarge:
    case CallResult::Outcome::kRefused:
    case CallResult::Outcome::kAnswered:
    case CallResult::Outcome::kShort: break;
  }
  return {ErrorCode::kUnavailable, "Redis: " + why(answer)};
}

Error write_failure(const RedisAnswer& answer) {
  const bool nonsense = answer.answered() && !answer.reply().is_error();
  if (!answer.maybe_executed && !nonsense) return read_failure(answer);
  const std::string said = why(answer);
  return {ErrorCode::kOutcomeUnknown,
          "Redis may have stored the message, but did not say so in time" + (said.empty() ? said : ": " + said)};
}

}  // namespace parley::store
