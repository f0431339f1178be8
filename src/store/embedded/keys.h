// How records and their like are written in RocksDB: format version 3.
//
// Column family "default":
//
//   0x00 ‖ name                        → what the store knows of itself (kFormatKey …)
//
//   0x01 ‖ chat ‖ 0x00 ‖ 0             → time of the chat's row in the indexes of its two and of its lane
//
//   0x01 ‖ chat ‖ 0x00 ‖ time          → a record: store/record_codec.h
//
// Column family "idempotency":
//
//   chat ‖ 0x00 ‖ sender ‖ 0x00 ‖ key  → time ‖ hash of the record
//
// Column family "rows":
//
//   0x02 ‖ user ‖ 0x00 ‖ chat          → time of the chat's row in the index of anybody else
//
//   0x03 ‖ user ‖ 0x00 ‖ ~(time ‖ chat ‖ 0x00)
//                                      → nothing: an index in its order, the newest first. It counts if the chat's row
//                                        has this time. ~ is the complement of each byte
//
//   0x04 ‖ chat ‖ 0x00 ‖ name          → value of a row of the chat's table
//
//   0x05 ‖ user ‖ 0x00 ‖ name          → value of a row of the user's table
//
//   0x06 ‖ time                        → the chats that a batch raised, in rising order, each as one byte with its
//                                        length and its name: the index of the lane's followers. A chat counts if its
//                                        row has this time
//
// A later format adds a column family, if only an empty one: so this program refuses its stores before it has written
// anything there. What a prefix extractor makes of a key stands in tables, so another one has another name.
//
// Times have eight bytes, big-endian. No record has a time below kMinSendTime. The first byte tells "default" from
// "rows".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <rocksdb/slice.h>
#include <rocksdb/slice_transform.h>

#include "store/bytes.h"
#include "store/idempotency_record.h"
#include "store/message_store.h"

namespace parley::store {

inline constexpr std::uint64_t kFormatVersion = 3;
inline constexpr std::string_view kFormatKey{"\0format", 7};        ///< → the version, in decimal
inline constexpr std::string_view kStoreIdKey{"\0store_id", 9};     ///< → the store's id
inline constexpr std::string_view kLastTimeKey{"\0last_time", 10};  ///< → the last time of the store

[[nodiscard]] inline rocksdb::Slice to_slice(const KeyBuffer& key) { return {key.data(), key.size()}; }
[[nodiscard]] inline rocksdb::Slice to_slice(std::string_view text) { return {text.data(), text.size()}; }
[[nodiscard]] inline std::string_view to_view(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }
[[nodiscard]] inline std::string_view to_view(const KeyBuffer& key) { return {key.data(), key.size()}; }

[[nodiscard]] KeyBuffer record_key(std::string_view chat, std::int64_t time);

/// Of a chat, what is no record: the time of its index rows, for those whom the chat tells by itself. It lies beside
/// the chat's first records, so that it is found and written next to them.
[[nodiscard]] inline KeyBuffer chat_row_key(std::string_view chat) { return record_key(chat, 0); }

/// What all records of a key's chat begin with.
[[nodiscard]] std::string_view chat_prefix(std::string_view record_key);

/// The chat in a record's key.
[[nodiscard]] std::string_view chat_in(std::string_view record_key);

/// The time in a record's key.
[[nodiscard]] std::int64_t time_of(std::string_view record_key);

/// Replaces `out`.
void encode_idempotency(const IdempotencyRecord& record, std::string& out);
/// Nothing for a value that is none of ours.
[[nodiscard]] std::optional<IdempotencyRecord> decode_idempotency(std::string_view value);

/// Whether the chat tells this user of itself, whatever audience is given: its two members, and whoever follows its
/// lane. They are always raised together, and so have one row together.
[[nodiscard]] bool told_by_chat(std::string_view user, std::string_view chat);
/// The key with the time of the chat's row in the user's index.
[[nodiscard]] KeyBuffer index_row_key(std::string_view user, std::string_view chat);
/// Whether a key that is no idempotency key is of "rows".
[[nodiscard]] bool in_rows(std::string_view key);

/// What the keys of one user's index in its order begin with.
[[nodiscard]] KeyBuffer index_order_prefix(std::string_view user);
void append_index_order_key(std::string& out, std::string_view user, std::int64_t time, std::string_view chat);
/// Whether it is a key of a user's index in its order.
[[nodiscard]] bool is_index_order(std::string_view key);
[[nodiscard]] KeyBuffer index_order_key(std::string_view user, std::int64_t time, std::string_view chat);
/// The row of such a key.
[[nodiscard]] IndexRow index_row_of(std::string_view order_key, std::size_t prefix_bytes);

/// Whose index the lane's is.
[[nodiscard]] const std::string& lane_follower();
/// Of the lane's index, the row of the batch whose raised rows have this time.
[[nodiscard]] KeyBuffer lane_row_key(std::int64_t time);
/// The time of such a key.
[[nodiscard]] std::int64_t lane_row_time(std::string_view key);
/// Adds a chat to such a row's value.
void append_listed(std::string& list, std::string_view chat);
/// Takes the first chat from such a row's value, which is not empty; nothing if it is corrupt.
[[nodiscard]] std::optional<std::string_view> take_listed(std::string_view& list);

/// What the keys of a table's rows begin with; the row's name follows.
[[nodiscard]] std::string table_prefix(const TableId& table);

/// Tells RocksDB what the records of one chat have in common, for its bloom filters. The domain is the records' keys.
class ChatPrefix final : public rocksdb::SliceTransform {
 public:
  const char* Name() const override { return "parley.chat"; }
  rocksdb::Slice Transform(const rocksdb::Slice& key) const override { return to_slice(chat_prefix(to_view(key))); }
  bool InDomain(const rocksdb::Slice& key) const override;
};

/// Has bloom filters hold just those of "rows" that are looked up by their whole key: an index in its order never is.
class WholeRow final : public rocksdb::SliceTransform {
 public:
  const char* Name() const override { return "parley.row"; }
  rocksdb::Slice Transform(const rocksdb::Slice& key) const override { return key; }
  bool InDomain(const rocksdb::Slice& key) const override;
};

/// What is inserted near each other into "rows": the indexes in their order. Each row of the lane's comes behind all
/// the others; the users' places of a batch come sorted.
class IndexPlaces final : public rocksdb::SliceTransform {
 public:
  const char* Name() const override { return "parley.places"; }
  rocksdb::Slice Transform(const rocksdb::Slice& key) const override;
  bool InDomain(const rocksdb::Slice& key) const override;
};

/// What the idempotency keys of one sender in one chat have in common, for inserts next to each other.
class SenderPrefix final : public rocksdb::SliceTransform {
 public:
  const char* Name() const override { return "parley.sender"; }
  rocksdb::Slice Transform(const rocksdb::Slice& key) const override;
  bool InDomain(const rocksdb::Slice&) const override { return true; }
};

}  // namespace parley::store
