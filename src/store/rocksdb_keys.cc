#include "store/rocksdb_keys.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include <openssl/sha.h>

namespace parley::store {
namespace {

constexpr char kMessageKind = 'm';
constexpr char kRecordVersion = 1;
constexpr char kTextRecord = 1;
constexpr char kKeyRecordVersion = 1;
constexpr std::size_t kTimeBytes = 8;
constexpr std::size_t kRecordHeader = 3;

std::uint8_t byte_of(char c) { return static_cast<std::uint8_t>(c); }

}  // namespace

TextDigest digest_of(std::string_view text) {
  TextDigest digest;
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return digest;
}

std::string encode_time(std::int64_t time) {
  std::string bytes(kTimeBytes, '\0');
  for (std::size_t i = 0; i < kTimeBytes; ++i) {
    bytes[i] = static_cast<char>((static_cast<std::uint64_t>(time) >> (8 * (kTimeBytes - 1 - i))) & 0xFF);
  }
  return bytes;
}

std::optional<std::int64_t> decode_time(std::string_view bytes) noexcept {
  if (bytes.size() != kTimeBytes) return std::nullopt;
  std::uint64_t time = 0;
  for (const char c : bytes) time = time << 8 | byte_of(c);
  return static_cast<std::int64_t>(time);
}

std::string message_prefix(std::string_view chat) {
  std::string prefix;
  prefix.reserve(chat.size() + 2 + kTimeBytes);
  prefix.push_back(kMessageKind);
  prefix.append(chat).push_back('\0');
  return prefix;
}

std::string message_key(std::string_view chat, std::int64_t time) {
  return message_prefix(chat).append(encode_time(time));
}

std::string_view prefix_of(std::string_view key) noexcept {
  if (key.empty() || key.front() != kMessageKind) return "";
  const std::size_t end = key.find('\0');
  return key.substr(0, end == std::string_view::npos ? 0 : end + 1);
}

std::string encode_record(const Draft& draft) {
  std::string record;
  record.reserve(kRecordHeader + draft.sender.size() + draft.text.size());
  record.push_back(kRecordVersion);
  record.push_back(kTextRecord);
  record.push_back(static_cast<char>(draft.sender.size()));
  record.append(draft.sender).append(draft.text);
  return record;
}

std::optional<Record> decode_record(std::string_view bytes) noexcept {
  if (bytes.size() < kRecordHeader || bytes[0] != kRecordVersion || bytes[1] != kTextRecord) return std::nullopt;
  const std::size_t sender = byte_of(bytes[2]);
  if (bytes.size() < kRecordHeader + sender) return std::nullopt;
  return Record{bytes.substr(kRecordHeader, sender), bytes.substr(kRecordHeader + sender)};
}

std::string idempotency_name(const Draft& draft) {
  std::string name;
  name.reserve(draft.chat.name().size() + draft.sender.size() + draft.idempotency_key.size() + 2);
  name.append(draft.chat.name()).push_back('\0');
  name.append(draft.sender).push_back('\0');
  name.append(draft.idempotency_key);
  return name;
}

std::string encode_key_record(const KeyRecord& record) {
  std::string bytes;
  bytes.reserve(1 + kTimeBytes + record.text.size());
  bytes.push_back(kKeyRecordVersion);
  bytes.append(encode_time(record.send_time));
  bytes.append(reinterpret_cast<const char*>(record.text.data()), record.text.size());
  return bytes;
}

std::optional<KeyRecord> decode_key_record(std::string_view bytes) noexcept {
  KeyRecord record;
  if (bytes.size() != 1 + kTimeBytes + record.text.size() || bytes[0] != kKeyRecordVersion) return std::nullopt;
  record.send_time = *decode_time(bytes.substr(1, kTimeBytes));
  std::memcpy(record.text.data(), bytes.data() + 1 + kTimeBytes, record.text.size());
  return record;
}

}  // namespace parley::store
