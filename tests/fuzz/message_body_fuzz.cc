// Bodies of messages: any bytes are read as the generated class reads them, and what is written comes back.
#include <algorithm>
#include <string>

#include <records.pb.h>

#include "chat/message_body.h"
#include "chat/text.h"
#include "fuzz.h"

namespace {

using namespace parley;
using fuzz::require;

void check_reading(std::string_view bytes) {
  records::MessageBody expected;
  const bool readable = expected.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  const auto message =
      to_message({.kind = RecordKind::kMessage, .time = 7, .sender = "a", .about = 0, .body = std::string(bytes)}, "a");
  if (!readable) {
    // What is read by hand need not be UTF-8: that was checked before it was stored.
    const bool odd =
        message && !(is_utf8(message->text) && (!message->extras || is_utf8(message->extras->idempotency_key)));
    require(!message || odd, "what the generated class cannot read is no message");
    return;
  }
  require(message.has_value(), "what the generated class can read is a message");
  const MessageExtras extras = message->extras ? *message->extras : MessageExtras{};
  require(message->text == expected.text(), "the text is the same");
  require(extras.idempotency_key == expected.idempotency_key(), "the key is the same");
  require(extras.reply_to == expected.reply_to(), "reply_to is the same");
  require(std::ranges::equal(extras.mentions, expected.mentions()), "the mentions are the same");
  require(extras.type == expected.type() && extras.data == expected.data(), "type and data are the same");
  require(message->extras == nullptr || extras != MessageExtras{}, "a plain message has no extras");
}

void check_writing(std::string_view bytes) {
  const std::size_t cut = std::min<std::size_t>(bytes.size(), bytes.empty() ? 0 : static_cast<unsigned char>(bytes[0]));
  const std::string key(bytes.substr(0, cut));
  const std::string text(bytes.substr(cut));
  RecordDraft draft = draft_of_message({ChatId::parse("a:b").value(), "a", text, key});
  require(page_bytes(draft.kind, draft.body) == text.size() || text.empty(),
          "a message counts as the bytes of its text");
  if (text.empty() && !(is_utf8(key))) return;
  const auto message = to_message(
      {.kind = draft.kind, .time = 7, .sender = draft.sender, .about = 0, .body = std::move(draft.body)}, "a");
  require(message && message->text == text, "the text comes back");
  require((message->extras ? message->extras->idempotency_key : "") == key, "the key comes back");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check_reading(fuzz::as_text(data, size));
  check_writing(fuzz::as_text(data, size));
  return 0;
}
