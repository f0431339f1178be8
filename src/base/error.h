// The one error table: what can go wrong with a request, under the name, number and HTTP status that clients see.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace parley {

/// The value is the number that the RPC service answers as `Code`: stable, never reused, never 0 (success).
enum class ErrorCode : std::int32_t {
  kMalformedRequest = 1,
  kInvalidChat = 2,
  kSenderNotInChat = 3,
  kInvalidText = 4,
  kTextTooLong = 5,
  kInvalidCursor = 6,
  kInvalidLimit = 7,
  kInvalidIdempotencyKey = 8,
  kChatNotFound = 9,
  kIdempotencyConflict = 10,
  kOverloaded = 11,
  kUnavailable = 12,
  kOutcomeUnknown = 13,
  kInternal = 14,
  kBadUpstream = 15,
  kNotFound = 16,
  kMethodNotAllowed = 17,
  kBodyTooLarge = 18,
  kHeadersTooLarge = 19,
  kUnsupportedMediaType = 20,
  kRequestTimeout = 21,
  kOriginNotAllowed = 22,
  kInvalidField = 23,
  kNotSupported = 24,
  kCursorGone = 25,
};

/// What can fail so.
enum class ErrorOrigin : std::uint8_t {
  kReading,  ///< the parameters of a call, which cannot be read
  kCall,     ///< a call
  kHttp,     ///< a request before it is a call: no node answers that
};

/// What a request may have done that failed so, and what becomes of the same one later.
enum class ErrorEffect : std::uint8_t {
  kRefused,  ///< nothing was stored, and the request fails again as it is
  kLater,    ///< nothing was stored, and the request may succeed another time
  kUnknown,  ///< the message may have been stored
};

/// One row of the table.
struct ErrorInfo {
  ErrorCode code;
  std::string_view name;  ///< the stable name, as in `"code": "chat_not_found"`
  int http_status;
  std::string_view title;  ///< one short sentence without a full stop, the same for every occurrence
  int template_status;     ///< the HTTP status with --http-errors template
  ErrorOrigin origin;
  ErrorEffect effect;
};

namespace error_rows {

using enum ErrorCode;
using enum ErrorOrigin;
using enum ErrorEffect;

/// The table, which is indexed by the error's number.
inline constexpr std::array kTable = {
    ErrorInfo{kMalformedRequest, "malformed_request", 400, "The request cannot be read", 400, kReading, kRefused},
    ErrorInfo{kInvalidChat, "invalid_chat", 400, "The chat is not <member1>:<member2>", 500, kCall, kRefused},
    ErrorInfo{kSenderNotInChat, "sender_not_in_chat", 400, "The sender is not a member of the chat", 500, kCall,
              kRefused},
    ErrorInfo{kInvalidText, "invalid_text", 400, "The text is empty or not UTF-8", 500, kCall, kRefused},
    ErrorInfo{kTextTooLong, "text_too_long", 413, "The text is too long", 500, kCall, kRefused},
    ErrorInfo{kInvalidCursor, "invalid_cursor", 400, "The cursor is negative", 500, kCall, kRefused},
    ErrorInfo{kInvalidLimit, "invalid_limit", 400, "The limit is negative", 500, kCall, kRefused},
    ErrorInfo{kInvalidIdempotencyKey, "invalid_idempotency_key", 400, "The idempotency key cannot be used", 500, kCall,
              kRefused},
    ErrorInfo{kChatNotFound, "chat_not_found", 404, "The chat never had a message", 500, kCall, kRefused},
    ErrorInfo{kIdempotencyConflict, "idempotency_conflict", 409, "The idempotency key was used with another message",
              500, kCall, kRefused},
    ErrorInfo{kOverloaded, "overloaded", 503, "The server is overloaded and stored nothing", 500, kCall, kLater},
    ErrorInfo{kUnavailable, "unavailable", 503, "The store is unavailable and nothing was stored", 500, kCall, kLater},
    ErrorInfo{kOutcomeUnknown, "outcome_unknown", 504, "The message may have been stored, so retry with the same key",
              500, kCall, kUnknown},
    ErrorInfo{kInternal, "internal", 500, "A bug in the server stopped the request", 500, kCall, kUnknown},
    ErrorInfo{kBadUpstream, "bad_upstream", 502, "The backend failed or gave an invalid answer", 500, kCall, kUnknown},
    ErrorInfo{kNotFound, "not_found", 404, "There is nothing at this path", 404, kHttp, kRefused},
    ErrorInfo{kMethodNotAllowed, "method_not_allowed", 405, "The path does not take this method", 405, kHttp, kRefused},
    ErrorInfo{kBodyTooLarge, "body_too_large", 413, "The body is too large", 413, kHttp, kRefused},
    ErrorInfo{kHeadersTooLarge, "headers_too_large", 431, "The header is too large", 431, kHttp, kRefused},
    ErrorInfo{kUnsupportedMediaType, "unsupported_media_type", 415, "The body's type or encoding is not supported", 415,
              kHttp, kRefused},
    ErrorInfo{kRequestTimeout, "request_timeout", 408, "The request took too long to arrive", 408, kHttp, kRefused},
    ErrorInfo{kOriginNotAllowed, "origin_not_allowed", 403, "The origin or host is not allowed", 403, kHttp, kRefused},
    ErrorInfo{kInvalidField, "invalid_field", 400, "A field has a value that it cannot have", 500, kCall, kRefused},
    ErrorInfo{kNotSupported, "not_supported", 501, "The server behind this one has no such call", 500, kCall, kRefused},
    ErrorInfo{kCursorGone, "cursor_gone", 410, "The cursor is of another store or user", 500, kCall, kRefused},
};

constexpr bool numbered_in_order() {
  for (std::size_t i = 0; i < kTable.size(); ++i) {
    if (static_cast<std::size_t>(kTable[i].code) != i + 1) return false;
  }
  return true;
}
static_assert(numbered_in_order(), "a row stands at its number");

/// The template's server answers 400 to what it could not read. What never reaches its handlers, its framework answers.
constexpr bool template_statuses_fit() {
  for (const ErrorInfo& row : kTable) {
    if (row.origin == kReading && row.template_status != 400) return false;
    if (row.origin == kHttp && row.template_status != row.http_status) return false;
  }
  return true;
}
static_assert(template_statuses_fit(), "with --http-errors template, only the errors of calls may have another status");

}  // namespace error_rows

/// Every row, in the order of the numbers.
inline constexpr const auto& kErrorTable = error_rows::kTable;

/// The row of this number; null where there is none.
[[nodiscard]] constexpr const ErrorInfo* error_numbered(std::int64_t number) noexcept {
  if (number < 1 || number > static_cast<std::int64_t>(kErrorTable.size())) return nullptr;
  return &kErrorTable[static_cast<std::size_t>(number) - 1];
}

/// The row of this stable name; null where there is none.
[[nodiscard]] constexpr const ErrorInfo* error_named(std::string_view name) noexcept {
  for (const ErrorInfo& row : kErrorTable) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

/// The row of `code`. A number without one is a bug, and has the row of one.
[[nodiscard]] constexpr const ErrorInfo& error_info(ErrorCode code) noexcept {
  const ErrorInfo* const row = error_numbered(static_cast<std::int64_t>(code));
  return row != nullptr ? *row : *error_numbered(static_cast<std::int64_t>(ErrorCode::kInternal));
}

/// An expected failure: the row of the table, and what was wrong this time (for a person, without a full stop).
struct Error {
  ErrorCode code;
  std::string detail;

  friend bool operator==(const Error&, const Error&) = default;
};

template <class T>
using Result = std::expected<T, Error>;

/// What a failing function returns: `return fail(ErrorCode::kInvalidChat, "…");`
[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code, std::string detail) {
  return std::unexpected<Error>(Error{code, std::move(detail)});
}

/// As above, because the deadline passed: `when` says what was under way ("before the disk was read").
[[nodiscard]] inline std::unexpected<Error> too_late(std::string_view when, ErrorCode code = ErrorCode::kOverloaded) {
  return fail(code, std::string("the deadline passed ").append(when));
}

}  // namespace parley
