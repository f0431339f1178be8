// The body of a message's record: protobuf's MessageBody of idl/records.proto, written and read by hand for what plain
// messages have, which is all of the hot path.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chat/message.h"
#include "chat/record.h"

namespace parley {

/// The record of a message that is to be stored. Its body holds the text first, and after it the key if there is one.
[[nodiscard]] RecordDraft draft_of_message(std::string sender, std::string_view text, std::string_view key);
[[nodiscard]] inline RecordDraft draft_of_message(Draft draft) {
  return draft_of_message(std::move(draft.sender), draft.text, draft.idempotency_key);
}

/// The field of the key in such a body.
[[nodiscard]] std::string key_field(std::string_view key);

/// The message that a record of kind kMessage says, before anything that was done to it later. `reader` is told the
/// idempotency key of what it has sent itself. Empty: nobody is. Nothing if the body is corrupt.
[[nodiscard]] std::optional<Message> to_message(const Record& record, std::string_view reader = {});

/// The same behind `messages`. The text stays in the record, which `owner` keeps alive and unchanged. False, and
/// nothing is appended, if the body is corrupt.
[[nodiscard]] bool append_message(const Record& record, std::string_view reader, std::shared_ptr<const void> owner,
                                  std::vector<Message>& messages);

/// The body without the field of its key, if it has that as draft_of_message() writes it: what a sender who repeats the
/// message under this key says again.
[[nodiscard]] std::string_view without_key(std::string_view body, std::string_view key) noexcept;

/// What a record counts for toward a page's bytes: a message the bytes of its text, others those of the body.
[[nodiscard]] std::size_t page_bytes(RecordKind kind, std::string_view body) noexcept;

}  // namespace parley
