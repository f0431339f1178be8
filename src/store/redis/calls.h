// Calls to Redis that may be repeated, and what their failures mean for whoever asked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/task.h"
#include "net/loop.h"
#include "redis/client.h"

namespace parley::store {

/// What is made of an answer that is too large. Where it cannot be, it is nonsense, and as good as lost.
enum class TooLarge : std::uint8_t { kIsLost, kEnds };

/// How a call ended that was made again for as long as its connection was lost.
struct RedisAnswer {
  redis::CallResult result;
  bool maybe_executed = false;  ///< whether an attempt without an answer may have been executed, now or later

  [[nodiscard]] bool answered() const noexcept {
    return result.outcome == redis::CallResult::Outcome::kAnswered || is_short();
  }
  /// Nobody will tell what became of it, but whether it was executed can be asked.
  [[nodiscard]] bool is_lost() const noexcept {
    return result.outcome == redis::CallResult::Outcome::kLost ||
           result.outcome == redis::CallResult::Outcome::kTooLarge;
  }
  /// Answered, but not as durable as was asked for.
  [[nodiscard]] bool is_short() const noexcept { return result.outcome == redis::CallResult::Outcome::kShort; }
  [[nodiscard]] const redis::Reply& reply() const noexcept { return result.reply; }
};

/// Calls `call`, which returns an Async<redis::CallResult> and must be harmless to repeat, until it is answered or the
/// deadline has passed.
template <class Call>
Async<RedisAnswer> until_answered(Call call, Deadline deadline, TooLarge too_large = TooLarge::kIsLost) {
  using Outcome = redis::CallResult::Outcome;
  RedisAnswer answer;
  for (;;) {
    answer.result = co_await call();
    if (answer.answered()) co_return answer;
    answer.maybe_executed |= answer.result.sent;
    const bool ends = answer.result.outcome == Outcome::kTooLarge && too_large == TooLarge::kEnds;
    if (!answer.is_lost() || ends || net::Loop::current().passed(deadline)) co_return answer;
  }
}

/// Whether what a script or GET asked for is there and no string.
[[nodiscard]] bool is_of_wrong_type(const redis::Reply& reply);
/// The value of a key on a server (empty: it has none, or no string); nothing if the server does not say, or if another
/// one has the key.
[[nodiscard]] Async<std::optional<std::string>> ask_for_value(std::string_view key, redis::Ask ask);

/// What a server says, as far as it is shown to a person.
[[nodiscard]] std::string shown(std::string_view said);

// Why there is no answer, or none that makes sense. A read changes nothing; after a write that may have been executed
// it is kOutcomeUnknown.
[[nodiscard]] Error read_failure(const RedisAnswer& answer);
[[nodiscard]] Error write_failure(const RedisAnswer& answer);

}  // namespace parley::store
