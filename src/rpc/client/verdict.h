// What became of a request, from what became of one call: the answer or the error to tell, and whether to try again.
#pragma once

#include <cstdint>
#include <utility>

#include "base/error.h"
#include "rpc/client/node_connection.h"
#include "rpc/wire/messages.h"

namespace parley::rpc {

/// What is asked, and so what may be done twice: a change, a change under an idempotency key, or what only reads.
enum class RequestKind : std::uint8_t { kSend, kKeyedSend, kPull };

/// Whose the codes are that a node answers.
enum class Codes : std::uint8_t {
  kOurs,     ///< rows of the error table
  kForeign,  ///< its own: of any but 0 nothing is known
};

/// One call's part in a request's fate.
template <class Response>
struct Verdict {
  enum class Next : std::uint8_t {
    kStop,       ///< `response` is the last word
    kElsewhere,  ///< another node may do better, the same one would not
    kAgain,      ///< any node may do better
  };
  Result<Response> response;
  Next next = Next::kStop;
  bool maybe_stored = false;  ///< whether this call may have stored a message, now or later, although it failed
};

// Judges a call by its result; a RequestKind is only told if there is a choice. A page that says nothing of where to go
// on, as a foreign server's need not, gets the next_cursor() of `range`. Any cursor that a server gives is kept.
[[nodiscard]] Verdict<service::SendResponse> judge_send(const CallResult& result, RequestKind kind, Codes codes);
[[nodiscard]] Verdict<CallResponse> judge_call(const CallResult& result, RequestKind kind, Codes codes);
[[nodiscard]] Verdict<service::PullResponse> judge_pull(const CallResult& result, Codes codes, const PageRange& range);

/// `error`, the last call's, in view of an earlier one of the same request that may have stored: "nothing was stored"
/// is then no longer true.
[[nodiscard]] Error in_view_of_earlier(Error error, bool maybe_stored);

}  // namespace parley::rpc
