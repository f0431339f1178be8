#include "base/error.h"

#include <array>
#include <cstddef>

namespace parley {
namespace {

using enum ErrorCode;

constexpr std::array kTable = {
    ErrorInfo{kMalformedRequest, "malformed_request", 400, "The request cannot be read"},
    ErrorInfo{kInvalidChat, "invalid_chat", 400, "The chat is not <member1>:<member2>"},
    ErrorInfo{kSenderNotInChat, "sender_not_in_chat", 400, "The sender is not a member of the chat"},
    ErrorInfo{kInvalidText, "invalid_text", 400, "The text is empty or not UTF-8"},
    ErrorInfo{kTextTooLong, "text_too_long", 413, "The text is too long"},
    ErrorInfo{kInvalidCursor, "invalid_cursor", 400, "The cursor is negative"},
    ErrorInfo{kInvalidLimit, "invalid_limit", 400, "The limit is negative"},
    ErrorInfo{kInvalidIdempotencyKey, "invalid_idempotency_key", 400, "The idempotency key cannot be used"},
    ErrorInfo{kChatNotFound, "chat_not_found", 404, "The chat never had a message"},
    ErrorInfo{kIdempotencyConflict, "idempotency_conflict", 409, "The idempotency key was used with another message"},
    ErrorInfo{kOverloaded, "overloaded", 503, "The server is overloaded and stored nothing"},
    ErrorInfo{kUnavailable, "unavailable", 503, "The store is unavailable and nothing was stored"},
    ErrorInfo{kOutcomeUnknown, "outcome_unknown", 504, "The message may have been stored, so retry with the same key"},
    ErrorInfo{kInternal, "internal", 500, "A bug in the server stopped the request"},
    ErrorInfo{kBadUpstream, "bad_upstream", 502, "The backend failed or gave an invalid answer"},
    ErrorInfo{kNotFound, "not_found", 404, "There is nothing at this path"},
    ErrorInfo{kMethodNotAllowed, "method_not_allowed", 405, "The path does not take this method"},
    ErrorInfo{kBodyTooLarge, "body_too_large", 413, "The body is too large"},
    ErrorInfo{kHeadersTooLarge, "headers_too_large", 431, "The header is too large"},
    ErrorInfo{kUnsupportedMediaType, "unsupported_media_type", 415, "The body's type or encoding is not supported"},
    ErrorInfo{kRequestTimeout, "request_timeout", 408, "The request took too long to arrive"},
    ErrorInfo{kOriginNotAllowed, "origin_not_allowed", 403, "The origin or host is not allowed"},
};

constexpr bool numbered_in_order() {
  for (std::size_t i = 0; i < kTable.size(); ++i) {
    if (static_cast<std::size_t>(kTable[i].code) != i + 1) return false;
  }
  return true;
}
static_assert(numbered_in_order(), "the table is indexed by the error's number");

}  // namespace

std::span<const ErrorInfo> error_table() noexcept { return kTable; }

const ErrorInfo& error_info(ErrorCode code) noexcept { return kTable[static_cast<std::size_t>(code) - 1]; }

}  // namespace parley
