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
  return shown(reply.text);
}

}  // namespace

bool is_of_wrong_type(const redis::Reply& reply) { return reply.is_error() && reply.text.contains("WRONGTYPE"); }

Async<std::optional<std::string>> ask_for_value(std::string_view key, redis::Ask ask) {
  std::string get = redis::format_command({"GET", key});
  redis::CallResult result = co_await ask(std::move(get));
  if (result.outcome != redis::CallResult::Outcome::kAnswered) co_return std::nullopt;
  if (is_of_wrong_type(result.reply)) co_return std::string();
  if (result.reply.is_error()) co_return std::nullopt;
  co_return std::move(result.reply.text);
}

std::string shown(std::string_view said) { return escape_controls(said.substr(0, kMaxShown)); }

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
