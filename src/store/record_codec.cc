#include "store/record_codec.h"

#include <cassert>
#include <cstddef>

#include "base/varint.h"

namespace parley::store {
namespace {

constexpr unsigned char kFirstMember = 0;
constexpr unsigned char kSecondMember = 1;
constexpr std::size_t kNamed = 2;  // what is added to the length of a name that is written out
constexpr std::size_t kUsualHead = 3;

}  // namespace

void encode_record(const ChatId& chat, const RecordDraft& record, std::string& out) {
  assert(record.sender.size() <= kMaxSenderBytes);
  const bool first = record.sender == chat.first();
  const bool named = !first && record.sender != chat.second();
  const auto about = static_cast<std::uint64_t>(record.about);
  out.clear();
  out.reserve(2 + (named ? record.sender.size() : 0) + varint_size(about) + record.body.size());
  out.push_back(static_cast<char>(record.kind));
  if (named) {
    out.push_back(static_cast<char>(kNamed + record.sender.size()));
    out.append(record.sender);
  } else {
    out.push_back(static_cast<char>(first ? kFirstMember : kSecondMember));
  }
  append_varint(out, about);
  out.append(record.body);
}

std::optional<RecordView> decode_record(const ChatId& chat, std::string_view bytes) {
  if (bytes.size() < kUsualHead) return std::nullopt;
  RecordView record;
  record.kind = static_cast<RecordKind>(bytes[0]);
  const auto sender = static_cast<unsigned char>(bytes[1]);
  bytes.remove_prefix(2);
  if (sender == kFirstMember || sender == kSecondMember) {
    record.sender = sender == kFirstMember ? chat.first() : chat.second();
  } else {
    const std::size_t length = sender - kNamed;
    if (bytes.size() < length) return std::nullopt;
    record.sender = bytes.substr(0, length);
    bytes.remove_prefix(length);
  }
  const auto about = take_varint(bytes);
  if (!about) return std::nullopt;
  record.about = static_cast<std::int64_t>(*about);
  record.body = bytes;
  return record;
}

}  // namespace parley::store
