#include "chat/message.h"

#include <limits>

#include <fmt/format.h>

#include "chat/text.h"

namespace parley {

std::int64_t next_cursor(const std::vector<Message>& messages, const PageRange& range) noexcept {
  if (messages.empty()) return range.cursor;
  // A foreign server's times may be any number.
  const std::int64_t last = messages.back().send_time;
  const bool at_end =
      last == (range.reverse ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max());
  return at_end ? last : last + (range.reverse ? -1 : 1);
}

Result<void> check_text(std::string_view text, std::size_t max_bytes) {
  if (text.empty()) return fail(ErrorCode::kInvalidText, "the text is empty");
  if (text.size() > max_bytes) {
    return fail(ErrorCode::kTextTooLong,
                fmt::format("the text has {} bytes, and at most {} are allowed", text.size(), max_bytes));
  }
  if (!is_utf8(text)) return fail(ErrorCode::kInvalidText, "the text is not UTF-8");
  return {};
}

Result<void> check_idempotency_key(std::string_view key) {
  if (key.size() > kMaxIdempotencyKeyBytes) {
    return fail(ErrorCode::kInvalidIdempotencyKey,
                fmt::format("the key has {} bytes, and at most {} are allowed", key.size(), kMaxIdempotencyKeyBytes));
  }
  if (!is_utf8(key)) return fail(ErrorCode::kInvalidIdempotencyKey, "the key is not UTF-8");
  return {};
}

}  // namespace parley
