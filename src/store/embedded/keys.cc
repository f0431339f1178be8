#include "store/embedded/keys.h"

#include <algorithm>

namespace parley::store {
namespace {

// In "default":
constexpr char kRecords = 0x01;  // and a row for each chat

// In "rows":
constexpr char kUserRow = 0x02;
constexpr char kIndexOrder = 0x03;
constexpr char kChatTable = 0x04;
constexpr char kUserTable = 0x05;

template <class Bytes>
void append(Bytes& out, std::string_view bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

template <class Bytes>
void append_name(Bytes& out, char tag, std::string_view name) {
  out.push_back(tag);
  append(out, name);
  out.push_back('\0');
}

template <class Bytes>
void append_order(Bytes& out, std::string_view user, std::int64_t time, std::string_view chat) {
  append_name(out, kIndexOrder, user);
  append_time(out, time);
  append(out, chat);
}

}  // namespace

KeyBuffer record_key(std::string_view chat, std::int64_t time) {
  KeyBuffer key;
  key.reserve(chat.size() + 2 + kTimeBytes);
  append_name(key, kRecords, chat);
  append_time(key, time);
  return key;
}

std::string_view chat_prefix(std::string_view record_key) {
  return record_key.substr(0, record_key.size() - kTimeBytes);
}

std::int64_t time_of(std::string_view record_key) {
  return load_time(record_key.data() + record_key.size() - kTimeBytes);
}

void encode_idempotency(const IdempotencyRecord& record, std::string& out) {
  out.clear();
  append_time(out, record.send_time);
  out.append(record.hash.begin(), record.hash.end());
}

std::optional<IdempotencyRecord> decode_idempotency(std::string_view value) {
  IdempotencyRecord out;
  if (value.size() != kTimeBytes + out.hash.size()) return std::nullopt;
  out.send_time = load_time(value.data());
  std::ranges::copy(value.substr(kTimeBytes), out.hash.begin());
  return out;
}

bool told_by_chat(std::string_view user, std::string_view chat) {
  static const std::string follower = follower_of(0);
  if (user == follower) return true;
  const std::size_t colon = chat.find(':');
  return colon != std::string_view::npos && (user == chat.substr(0, colon) || user == chat.substr(colon + 1));
}

KeyBuffer index_row_key(std::string_view user, std::string_view chat) {
  if (told_by_chat(user, chat)) return chat_row_key(chat);
  KeyBuffer key;
  append_name(key, kUserRow, user);
  append(key, chat);
  return key;
}

bool in_rows(std::string_view key) { return key.front() > kRecords; }

KeyBuffer index_order_prefix(std::string_view user) {
  KeyBuffer key;
  append_name(key, kIndexOrder, user);
  return key;
}

void append_index_order_key(std::string& out, std::string_view user, std::int64_t time, std::string_view chat) {
  append_order(out, user, time, chat);
}

KeyBuffer index_order_key(std::string_view user, std::int64_t time, std::string_view chat) {
  KeyBuffer key;
  append_order(key, user, time, chat);
  return key;
}

IndexRow index_row_of(std::string_view order_key, std::size_t prefix_bytes) {
  return {std::string(order_key.substr(prefix_bytes + kTimeBytes)), load_time(order_key.data() + prefix_bytes)};
}

std::string table_prefix(const TableId& table) {
  std::string key;
  append_name(key, table.of == TableId::Of::kChat ? kChatTable : kUserTable, table.name);
  return key;
}

bool ChatPrefix::InDomain(const rocksdb::Slice& key) const {
  return key.size() >= 2 + kTimeBytes && key[0] == kRecords && key[key.size() - kTimeBytes - 1] == '\0';
}

bool WholeRow::InDomain(const rocksdb::Slice& key) const { return !key.empty() && key[0] != kIndexOrder; }

rocksdb::Slice InsertedTogether::Transform(const rocksdb::Slice& key) const {
  return key[0] == kRecords ? to_slice(chat_prefix(to_view(key))) : key;
}

bool InsertedTogether::InDomain(const rocksdb::Slice& key) const {
  return ChatPrefix().InDomain(key) || key == to_slice(kLastTimeKey);
}

IndexPlaces::IndexPlaces() : lane_(to_view(index_order_prefix(follower_of(0)))) {}

rocksdb::Slice IndexPlaces::Transform(const rocksdb::Slice& key) const {
  return {key.data(), to_view(key).starts_with(lane_) ? lane_.size() : 1};
}

bool IndexPlaces::InDomain(const rocksdb::Slice& key) const { return !key.empty() && key[0] == kIndexOrder; }

rocksdb::Slice SenderPrefix::Transform(const rocksdb::Slice& key) const {
  const std::string_view all = to_view(key);
  return to_slice(all.substr(0, all.find('\0', all.find('\0') + 1)));
}

}  // namespace parley::store
