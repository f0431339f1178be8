// What every engine says and does alike.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

#include <fmt/format.h>

#include "base/error.h"
#include "store/message_store.h"

namespace parley::store {

/// Whether a row is as the condition of `write` says. `value` is the row's now: nothing if there is no such row.
[[nodiscard]] inline bool row_allows(const RowWrite& write, std::optional<std::string_view> value) noexcept {
  switch (write.condition) {
    case RowWrite::If::kAlways: return true;
    case RowWrite::If::kAbsent: return !value;
    case RowWrite::If::kEquals: return value == std::string_view(write.operand);
    case RowWrite::If::kBelow: return !value || *value < write.operand;
  }
  return false;
}

/// Whether these are within kMaxRowsOfWrite and kMaxBytesOfWrite: kBodyTooLarge.
[[nodiscard]] inline Result<void> check_size(std::span<const RecordDraft> records, std::span<const RowWrite> rows) {
  std::size_t bytes = 0;
  for (std::size_t i = 1; i < records.size(); ++i) bytes += records[i].body.size();
  for (const RowWrite& row : rows) bytes += row.name.size() + (row.value ? row.value->size() : 0) + row.operand.size();
  if (rows.size() <= kMaxRowsOfWrite && bytes <= kMaxBytesOfWrite) return {};
  return fail(ErrorCode::kBodyTooLarge, fmt::format("one change may have {} rows and {} bytes of them, not {} and {}",
                                                    kMaxRowsOfWrite, kMaxBytesOfWrite, rows.size(), bytes));
}

/// The deadline of a call passed before it began.
[[nodiscard]] inline std::unexpected<Error> not_begun() { return too_late("before the call began"); }
[[nodiscard]] inline std::unexpected<Error> chat_not_found() {
  return fail(ErrorCode::kChatNotFound, "the chat has no messages");
}
[[nodiscard]] inline std::unexpected<Error> key_conflict() {
  return fail(ErrorCode::kIdempotencyConflict, "the idempotency key was used with another text");
}
[[nodiscard]] inline std::unexpected<Error> times_used_up() {
  return fail(ErrorCode::kUnavailable, "the times that messages can have are used up");
}

}  // namespace parley::store
