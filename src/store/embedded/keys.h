// How messages and their like are written in RocksDB: format version 1.
//
// Column family "default":
//   0x00 ‖ name                             → what the store knows of itself (kFormatKey …)
//   0x01 ‖ chat ‖ 0x00 ‖ time, big-endian   → record version ‖ record kind ‖ sender's length ‖ sender ‖ text
// Column family "idempotency":
//   chat ‖ 0x00 ‖ sender ‖ 0x00 ‖ key       → record version ‖ time, big-endian ‖ hash of the text
// All numbers of one byte but for the times, which have eight.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <rocksdb/slice.h>
#include <rocksdb/slice_transform.h>

#include "store/bytes.h"
#include "store/idempotency_record.h"

namespace parley::store {

inline constexpr std::uint64_t kFormatVersion = 1;
inline constexpr std::string_view kFormatKey{"\0format", 7};        ///< → the version, in decimal
inline constexpr std::string_view kStoreIdKey{"\0store_id", 9};     ///< → the store's id
inline constexpr std::string_view kLastTimeKey{"\0last_time", 10};  ///< → the last send_time of the store

[[nodiscard]] inline rocksdb::Slice to_slice(const KeyBuffer& key) { return {key.data(), key.size()}; }
[[nodiscard]] inline rocksdb::Slice to_slice(std::string_view text) { return {text.data(), text.size()}; }
[[nodiscard]] inline std::string_view to_view(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

[[nodiscard]] KeyBuffer message_key(std::string_view chat, std::int64_t send_time);

/// What all messages of a key's chat begin with.
[[nodiscard]] std::string_view chat_prefix(std::string_view message_key);

/// The time in a message's key.
[[nodiscard]] std::int64_t send_time_of(std::string_view message_key);

/// A message as it lies in a record; points into it.
struct RecordView {
  std::string_view sender;
  std::string_view text;
};

enum class RecordFault { kUnknownKind, kCorrupt };

/// Replaces `out`.
void encode_record(std::string_view sender, std::string_view text, std::string& out);
[[nodiscard]] std::expected<RecordView, RecordFault> decode_record(std::string_view record);

/// Replaces `out`.
void encode_idempotency(const IdempotencyRecord& record, std::string& out);
/// Nothing for a record of a version that is not ours.
[[nodiscard]] std::optional<IdempotencyRecord> decode_idempotency(std::string_view record);

/// Tells RocksDB what the messages of one chat have in common, for its bloom filters. The domain is the messages' keys.
class ChatPrefix final : public rocksdb::SliceTransform {
 public:
  const char* Name() const override { return "parley.chat"; }
  rocksdb::Slice Transform(const rocksdb::Slice& key) const override { return to_slice(chat_prefix(to_view(key))); }
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
