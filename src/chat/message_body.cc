#include "chat/message_body.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <records.pb.h>

#include "base/varint.h"

namespace parley {
namespace {

// A field of bytes is its tag, its length as a varint, and the bytes (protobuf's encoding, "Length-Delimited Records").
constexpr char kTextTag = 1 << 3 | 2;
constexpr char kKeyTag = 2 << 3 | 2;

std::size_t field_size(std::string_view value) noexcept {
  return value.empty() ? 0 : 1 + varint_size(value.size()) + value.size();
}

void append_field(std::string& out, char tag, std::string_view value) {
  if (value.empty()) return;
  out.push_back(tag);
  append_varint(out, value.size());
  out.append(value);
}

/// A field at the front of some bytes.
struct Field {
  std::size_t at = 0;  // where its value begins
  std::size_t size = 0;
  [[nodiscard]] std::size_t end() const noexcept { return at + size; }
};

/// Nothing if the field with this tag is not at the front, or is not as append_field() writes it.
std::optional<Field> read_field(std::string_view bytes, char tag) noexcept {
  if (bytes.empty() || bytes[0] != tag) return std::nullopt;
  std::string_view rest = bytes.substr(1);
  const auto length = take_varint(rest);
  if (!length || *length > rest.size()) return std::nullopt;
  return Field{bytes.size() - rest.size(), *length};
}

/// The message that only the generated class can read.
std::optional<Message> read_generated(const Record& record, std::string_view reader) {
  records::MessageBody body;
  if (!body.ParseFromString(record.body)) return std::nullopt;
  Message message{record.sender, std::move(*body.mutable_text()), record.time};
  MessageExtras extras;
  if (message.sender == reader) extras.idempotency_key = std::move(*body.mutable_idempotency_key());
  extras.reply_to = body.reply_to();
  extras.mentions.assign(std::make_move_iterator(body.mutable_mentions()->begin()),
                         std::make_move_iterator(body.mutable_mentions()->end()));
  extras.type = std::move(*body.mutable_type());
  extras.data = std::move(*body.mutable_data());
  if (extras != MessageExtras{}) message.extras = std::make_shared<const MessageExtras>(std::move(extras));
  return message;
}

}  // namespace

RecordDraft draft_of_message(std::string sender, std::string_view text, std::string_view key) {
  RecordDraft record{.kind = RecordKind::kMessage, .sender = std::move(sender), .about = 0, .body = {}};
  record.body.reserve(field_size(text) + field_size(key));
  append_field(record.body, kTextTag, text);
  append_field(record.body, kKeyTag, key);
  return record;
}

std::string key_field(std::string_view key) {
  std::string out;
  append_field(out, kKeyTag, key);
  return out;
}

bool append_message(const Record& record, std::string_view reader, std::shared_ptr<const void> owner,
                    std::vector<Message>& messages) {
  const auto slowly = [&] {
    auto message = read_generated(record, reader);
    if (!message) return false;
    messages.push_back(*std::move(message));
    return true;
  };
  const std::string_view body = record.body;
  const auto text = read_field(body, kTextTag);
  if (!text) return slowly();
  std::string_view own_key;
  if (text->end() != body.size()) {
    const std::string_view rest = body.substr(text->end());
    const auto key = read_field(rest, kKeyTag);
    if (!key || key->end() != rest.size()) return slowly();
    if (record.sender == reader) own_key = rest.substr(key->at);
  }
  Message& message = messages.emplace_back(
      record.sender, SharedText(body.substr(text->at, text->size), std::move(owner)), record.time);
  if (!own_key.empty()) {
    MessageExtras own;
    own.idempotency_key = own_key;
    message.extras = std::make_shared<const MessageExtras>(std::move(own));
  }
  return true;
}

std::optional<Message> to_message(const Record& record, std::string_view reader) {
  const auto own = std::make_shared<const Record>(record);
  std::vector<Message> messages;
  if (!append_message(*own, reader, own, messages)) return std::nullopt;
  return std::move(messages.front());
}

std::string_view without_key(std::string_view body, std::string_view key) noexcept {
  const std::size_t size = field_size(key);
  if (key.empty() || body.size() < size || !body.ends_with(key)) return body;
  const auto field = read_field(body.substr(body.size() - size), kKeyTag);
  return field && field->end() == size ? body.substr(0, body.size() - size) : body;
}

std::size_t page_bytes(RecordKind kind, std::string_view body) noexcept {
  if (kind != RecordKind::kMessage) return body.size();
  const auto text = read_field(body, kTextTag);
  return text ? text->size : body.size();
}

}  // namespace parley
