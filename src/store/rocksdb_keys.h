// How messages and idempotency keys are laid out in RocksDB. This is the on-disk format: see kFormatVersion.
//
//   default column family  'm' chat 0 time(8, big-endian)  →  version(1) kind(1) sender-length(1) sender text
//                          0 "last_time"                   →  time(8, big-endian) of the newest message of all chats
//                          0 "store_id"                    →  the store's id
//   "keys"                 chat 0 sender 0 key             →  version(1) time(8, big-endian) SHA-256 of the text(32)
//
// Neither a chat nor a sender can hold a zero byte, so a key never runs into its neighbour.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "chat/message.h"

namespace parley::store {

/// Raised whenever an older binary could not read what this one writes.
inline constexpr int kFormatVersion = 1;

inline constexpr std::string_view kLastTimeKey{"\0last_time", 10};
inline constexpr std::string_view kStoreIdKey{"\0store_id", 9};

using TextDigest = std::array<std::uint8_t, 32>;

/// SHA-256: nobody can make two texts that pass for one another.
[[nodiscard]] TextDigest digest_of(std::string_view text);

[[nodiscard]] std::string encode_time(std::int64_t time);
/// Nothing where `bytes` are not eight.
[[nodiscard]] std::optional<std::int64_t> decode_time(std::string_view bytes) noexcept;

/// What all message keys of a chat begin with, and those of no other chat.
[[nodiscard]] std::string message_prefix(std::string_view chat);
[[nodiscard]] std::string message_key(std::string_view chat, std::int64_t time);
/// The prefix of a message key (see message_prefix), empty for any other key.
[[nodiscard]] std::string_view prefix_of(std::string_view key) noexcept;

[[nodiscard]] std::string encode_record(const Draft& draft);

/// What a message's record says; the views are into the record.
struct Record {
  std::string_view sender;
  std::string_view text;
};
/// Nothing where the record is of a version or kind that this binary does not know.
[[nodiscard]] std::optional<Record> decode_record(std::string_view bytes) noexcept;

/// What is remembered of a send with an idempotency key.
struct KeyRecord {
  std::int64_t send_time = 0;
  TextDigest text{};
};
[[nodiscard]] std::string idempotency_name(const Draft& draft);
[[nodiscard]] std::string encode_key_record(const KeyRecord& record);
[[nodiscard]] std::optional<KeyRecord> decode_key_record(std::string_view bytes) noexcept;

}  // namespace parley::store
