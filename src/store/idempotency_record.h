// What is remembered of an idempotency key.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "chat/chat_id.h"
#include "chat/record.h"

namespace parley::store {

/// The first 128 bits of a SHA-256: whether two records say the same, without keeping either.
using RecordHash = std::array<char, 16>;

/// Of the kind, what the record is about, and its body without `key`. Only records of one sender under one key are
/// compared.
[[nodiscard]] RecordHash hash_record(const RecordDraft& record, std::string_view key);

/// Of any bytes.
[[nodiscard]] RecordHash hash_bytes(std::string_view bytes);

/// The record that a key stored.
struct IdempotencyRecord {
  std::int64_t send_time = 0;
  RecordHash hash{};
};

/// chat ‖ 0 ‖ sender ‖ 0 ‖ key: neither chat nor sender can hold a NUL, and what follows the last is the key.
[[nodiscard]] std::string idempotency_key_of(const ChatId& chat, std::string_view sender, std::string_view key);

/// Whether a key of a record of `send_time` need no longer be remembered.
[[nodiscard]] inline bool idempotency_expired(std::int64_t send_time, std::chrono::microseconds window,
                                              std::int64_t now) noexcept {
  return now > send_time && now - send_time > window.count();
}

}  // namespace parley::store
