#include "store/embedded/keys.h"

#include <algorithm>
#include <iterator>

namespace parley::store {
namespace {

// In "default":
constexpr char kRecords = 0x01;  // and a row for each chat

// In "rows":
constexpr char kUserRow = 0x02;
constexpr char kIndexOrder = 0x03;
constexpr char kChatTable = 0x04;
constexpr char kUserTable = 0x05;
constexpr char kLaneOrder = 0x06;

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

/// Appends the complement of each byte, which turns their order round.
template <class Bytes>
void append_inverted(Bytes& out, std::string_view bytes) {
  std::ranges::transform(bytes, std::back_inserter(out), [](char byte) { return static_cast<char>(~byte); });
}

template <class Bytes>
void append_order(Bytes& out, std::string_view user, std::int64_t time, std::string_view chat) {
  append_name(out, kIndexOrder, user);
  append_time(out, ~time);
  append_inverted(out, chat);
  out.push_back('\xff');
}

}  // namespace

const std::string& lane_follower() {
  static const std::string name = follower_of(0);
  return name;
}

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

std::string_view chat_in(std::string_view record_key) {
  return record_key.substr(1, record_key.size() - 2 - kTimeBytes);
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
  if (user == lane_follower()) return true;
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
  IndexRow row{.chat = {}, .time = ~load_time(order_key.data() + prefix_bytes)};
  append_inverted(row.chat, order_key.substr(prefix_bytes + kTimeBytes));
  row.chat.pop_back();
  return row;
}

bool is_index_order(std::string_view key) { return key.starts_with(kIndexOrder); }

KeyBuffer lane_row_key(std::int64_t time) {
  KeyBuffer key;
  key.push_back(kLaneOrder);
  append_time(key, time);
  return key;
}

std::int64_t lane_row_time(std::string_view key) { return load_time(key.data() + 1); }

void append_listed(std::string& list, std::string_view chat) {
  static_assert(2 * kMaxMemberBytes + 1 <= 255);
  list.push_back(static_cast<char>(chat.size()));
  list.append(chat);
}

std::optional<std::string_view> take_listed(std::string_view& list) {
  const std::size_t size = static_cast<unsigned char>(list.front());
  if (list.size() <= size) return std::nullopt;
  const std::string_view chat = list.substr(1, size);
  list.remove_prefix(1 + size);
  return chat;
}

std::string table_prefix(const TableId& table) {
  std::string key;
  append_name(key, table.of == TableId::Of::kChat ? kChatTable : kUserTable, table.name);
  return key;
}

bool ChatPrefix::InDomain(const rocksdb::Slice& key) const {
  return key.size() >= 2 + kTimeBytes && key[0] == kRecords && key[key.size() - kTimeBytes - 1] == '\0';
}

bool WholeRow::InDomain(const rocksdb::Slice& key) const {
  return !key.empty() && key[0] != kIndexOrder && key[0] != kLaneOrder;
}

rocksdb::Slice IndexPlaces::Transform(const rocksdb::Slice& key) const { return {key.data(), 1}; }

bool IndexPlaces::InDomain(const rocksdb::Slice& key) const {
  return !key.empty() && (key[0] == kIndexOrder || key[0] == kLaneOrder);
}

rocksdb::Slice SenderPrefix::Transform(const rocksdb::Slice& key) const {
  const std::string_view all = to_view(key);
  return to_slice(all.substr(0, all.find('\0', all.find('\0') + 1)));
}

}  // namespace parley::store
