// The one error table: what can go wrong with a request, under the name, number and HTTP status that clients see.
#pragma once

#include <cstdint>
#include <expected>
#include <span>
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
};

/// One row of the table.
struct ErrorInfo {
  ErrorCode code;
  std::string_view name;  ///< the stable name, as in `"code": "chat_not_found"`
  int http_status;
  std::string_view title;  ///< one short sentence without a full stop, the same for every occurrence
};

/// Every row, in the order of the numbers.
[[nodiscard]] std::span<const ErrorInfo> error_table() noexcept;

/// The row of `code`.
[[nodiscard]] const ErrorInfo& error_info(ErrorCode code) noexcept;

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

}  // namespace parley
