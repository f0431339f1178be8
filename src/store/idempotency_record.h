// What is remembered of an idempotency key.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "chat/message.h"

namespace parley::store {

/// The first 128 bits of the text's SHA-256: whether two texts are the same, without keeping either.
using TextHash = std::array<char, 16>;

[[nodiscard]] TextHash hash_text(std::string_view text);

/// The message that a key stored.
struct IdempotencyRecord {
  std::int64_t send_time = 0;
  TextHash text_hash{};
};

/// chat ‖ 0 ‖ sender ‖ 0 ‖ key: neither chat nor sender can hold a NUL, and what follows the last is the key.
[[nodiscard]] std::string idempotency_key_of(const Draft& draft);

/// Whether a key of a message of `send_time` need no longer be remembered.
[[nodiscard]] inline bool idempotency_expired(std::int64_t send_time, std::chrono::microseconds window,
                                              std::int64_t now) noexcept {
  return now > send_time && now - send_time > window.count();
}

}  // namespace parley::store
