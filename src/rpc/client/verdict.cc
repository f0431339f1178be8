#include "rpc/client/verdict.h"

#include <fmt/format.h>

namespace parley::rpc {
namespace {

using Outcome = CallResult::Outcome;

/// The row of a node's Code; null where there is none, or where only HTTP can fail so.
const ErrorInfo* row_of(std::int32_t code) {
  const ErrorInfo* const row = error_numbered(code);
  return row != nullptr && row->origin != ErrorOrigin::kHttp ? row : nullptr;
}

template <class Response>
Verdict<Response> judge_answer(ReplyResult<Response> reply, RequestKind kind, Codes codes) {
  using Next = Verdict<Response>::Next;
  // A node of ours that has no such call has done nothing, and one of another version may have it. A foreign server
  // may pass on what another one threw at it, after it did something itself.
  const bool may_lack = std::is_same_v<Response, CallResponse> && codes == Codes::kOurs;
  if (!reply && may_lack && is_unknown_method(reply.error())) {
    return {.response = fail(ErrorCode::kNotSupported, "the node has no such call: " + reply.error().message),
            .next = Next::kElsewhere};
  }
  if (!reply) {
    return {.response = fail(ErrorCode::kBadUpstream, "the node failed: " + reply.error().message),
            .maybe_stored = kind != RequestKind::kPull};
  }
  if (reply->code == 0) return {.response = std::move(reply->response)};
  const ErrorInfo* const row = codes == Codes::kOurs ? row_of(reply->code) : nullptr;
  if (row == nullptr) {
    return {.response = fail(ErrorCode::kBadUpstream,
                             fmt::format("the node answered code {}: {}", reply->code, reply->message)),
            .maybe_stored = kind != RequestKind::kPull};
  }
  const bool repeatable = kind != RequestKind::kSend;
  // Where one node is overloaded, the others are soon. A bug and a foreign backend's failure are the same there.
  const bool better_elsewhere = row->code == ErrorCode::kUnavailable || row->code == ErrorCode::kOutcomeUnknown;
  const bool unknown_there = row->code == ErrorCode::kNotSupported;
  return {.response = fail(row->code, std::move(reply->message)),
          .next = unknown_there || (better_elsewhere && repeatable) ? Next::kElsewhere : Next::kStop,
          .maybe_stored = row->effect == ErrorEffect::kUnknown};
}

/// Without an answer.
template <class Response>
Verdict<Response> judge_silence(const CallResult& result, RequestKind kind) {
  using Next = Verdict<Response>::Next;
  const bool pull = kind == RequestKind::kPull;
  const bool unsent = !result.sent;
  if (result.outcome == Outcome::kFull)
    return {.response = fail(ErrorCode::kOverloaded, "the node has too many calls under way")};
  if (result.outcome == Outcome::kExpired && (unsent || pull)) {
    return {.response = too_late("before a node answered")};
  }
  if (result.outcome == Outcome::kExpired) {
    return {.response = too_late("before the node answered", ErrorCode::kOutcomeUnknown), .maybe_stored = true};
  }
  const Next again = unsent || kind != RequestKind::kSend ? Next::kAgain : Next::kStop;
  if (unsent || (pull && result.outcome == Outcome::kLost)) {
    return {.response = fail(ErrorCode::kUnavailable, "the connection to the node broke"), .next = again};
  }
  if (result.outcome == Outcome::kLost) {
    return {.response = fail(ErrorCode::kOutcomeUnknown, "the connection to the node broke before its answer"),
            .next = again,
            .maybe_stored = true};
  }
  return {.response = fail(ErrorCode::kBadUpstream, "the node answered something that is not TTHeader"),
          .next = again == Next::kAgain ? Next::kElsewhere : Next::kStop,
          .maybe_stored = !pull};
}

}  // namespace

Verdict<service::SendResponse> judge_send(const CallResult& result, RequestKind kind, Codes codes) {
  if (result.outcome != Outcome::kAnswered) return judge_silence<service::SendResponse>(result, kind);
  return judge_answer(decode_send_reply(result.message, result.protocol), kind, codes);
}

Verdict<CallResponse> judge_call(const CallResult& result, RequestKind kind, Codes codes) {
  if (result.outcome != Outcome::kAnswered) return judge_silence<CallResponse>(result, kind);
  return judge_answer(decode_call_reply(result.message, result.protocol), kind, codes);
}

Verdict<service::PullResponse> judge_pull(const CallResult& result, Codes codes, const PageRange& range) {
  constexpr RequestKind kKind = RequestKind::kPull;
  if (result.outcome != Outcome::kAnswered) return judge_silence<service::PullResponse>(result, kKind);
  auto reply = decode_pull_reply(result.message, result.protocol);
  if (reply && !reply->has_cursor) {
    Page& page = reply->response.page;
    page.next_cursor = next_cursor(page.messages, range);
  }
  return judge_answer(std::move(reply), kKind, codes);
}

Error in_view_of_earlier(Error error, bool maybe_stored) {
  // What is refused was refused to the earlier one too, but for a call that another node may have.
  const bool refused = error_info(error.code).effect == ErrorEffect::kRefused && error.code != ErrorCode::kNotSupported;
  if (maybe_stored && !refused) error.code = ErrorCode::kOutcomeUnknown;
  return error;
}

}  // namespace parley::rpc
