// A record as one value, on disk and in Redis:
//   kind (1 byte) ‖ sender ‖ about ‖ body
// sender: one byte, 0 for the chat's first member, 1 for the second, else 2 + n, and n bytes of name follow.
// about: a varint (base/varint.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "chat/chat_id.h"
#include "chat/record.h"

namespace parley::store {

/// The longest name of a sender that fits.
inline constexpr std::size_t kMaxSenderBytes = 0xff - 2;

/// A record as it lies in its value; points into that, and into the name of the chat.
struct RecordView {
  RecordKind kind = RecordKind::kMessage;  ///< may be one that this version has no name for
  std::string_view sender;
  std::int64_t about = 0;
  std::string_view body;

  [[nodiscard]] Record at(std::int64_t time) const {
    Record out;
    write_to(out, time);
    return out;
  }
  /// The same, into a record that is new, without moving anything.
  void write_to(Record& out, std::int64_t time) const {
    out.kind = kind;
    out.time = time;
    out.sender.assign(sender);
    out.about = about;
    out.body.assign(body);
  }
};

/// Replaces `out`. The sender has at most kMaxSenderBytes.
void encode_record(const ChatId& chat, const RecordDraft& record, std::string& out);

/// Nothing for bytes that encode_record() does not make. A kind that this version does not know is no fault.
[[nodiscard]] std::optional<RecordView> decode_record(const ChatId& chat, std::string_view bytes);

}  // namespace parley::store
