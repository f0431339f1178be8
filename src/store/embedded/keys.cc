#include "store/embedded/keys.h"

#include <algorithm>

namespace parley::store {
namespace {

constexpr char kMessages = 0x01;
constexpr char kRecordVersion = 1;
constexpr char kTextRecord = 1;
constexpr std::size_t kRecordHead = 3;

}  // namespace

KeyBuffer message_key(std::string_view chat, std::int64_t send_time) {
  KeyBuffer key;
  key.reserve(chat.size() + 2 + kTimeBytes);
  key.push_back(kMessages);
  key.insert(key.end(), chat.begin(), chat.end());
  key.push_back('\0');
  append_time(key, send_time);
  return key;
}

std::string_view chat_prefix(std::string_view message_key) {
  return message_key.substr(0, message_key.size() - kTimeBytes);
}

std::int64_t send_time_of(std::string_view message_key) {
  return load_time(message_key.data() + message_key.size() - kTimeBytes);
}

void encode_record(std::string_view sender, std::string_view text, std::string& out) {
  out.clear();
  out.reserve(kRecordHead + sender.size() + text.size());
  out.append({kRecordVersion, kTextRecord, static_cast<char>(sender.size())}).append(sender).append(text);
}

std::expected<RecordView, RecordFault> decode_record(std::string_view record) {
  if (record.size() < 2) return std::unexpected(RecordFault::kCorrupt);
  if (record[0] != kRecordVersion || record[1] != kTextRecord) return std::unexpected(RecordFault::kUnknownKind);
  if (record.size() < kRecordHead) return std::unexpected(RecordFault::kCorrupt);
  const std::size_t sender = static_cast<unsigned char>(record[2]);
  if (record.size() < kRecordHead + sender) return std::unexpected(RecordFault::kCorrupt);
  return RecordView{record.substr(kRecordHead, sender), record.substr(kRecordHead + sender)};
}

void encode_idempotency(const IdempotencyRecord& record, std::string& out) {
  out.assign(1, kRecordVersion);
  append_time(out, record.send_time);
  out.append(record.text_hash.begin(), record.text_hash.end());
}

std::optional<IdempotencyRecord> decode_idempotency(std::string_view record) {
  IdempotencyRecord out;
  if (record.size() != 1 + kTimeBytes + out.text_hash.size() || record[0] != kRecordVersion) return std::nullopt;
  out.send_time = load_time(record.data() + 1);
  std::ranges::copy(record.substr(1 + kTimeBytes), out.text_hash.begin());
  return out;
}

bool ChatPrefix::InDomain(const rocksdb::Slice& key) const {
  return key.size() >= 2 + kTimeBytes && key[0] == kMessages && key[key.size() - kTimeBytes - 1] == '\0';
}

rocksdb::Slice SenderPrefix::Transform(const rocksdb::Slice& key) const {
  const std::string_view all = to_view(key);
  return to_slice(all.substr(0, all.find('\0', all.find('\0') + 1)));
}

}  // namespace parley::store
