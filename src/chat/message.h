// A message, before and after it is stored, and a page of them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "chat/chat_id.h"

namespace parley {

// Times are microseconds since 1970, small enough for every client's double.
inline constexpr std::int64_t kMinSendTime = 1'000'000;
inline constexpr std::int64_t kMaxSendTime = (std::int64_t{1} << 53) - 1;

inline constexpr std::size_t kMaxIdempotencyKeyBytes = 128;
inline constexpr std::int32_t kDefaultPullLimit = 10;
inline constexpr std::int32_t kMaxPullLimit = 1000;

/// A message that is valid and not stored yet.
struct Draft {
  ChatId chat;
  std::string sender;           ///< a member of `chat`
  std::string text;             ///< valid UTF-8, not empty
  std::string idempotency_key;  ///< empty: none
};

/// A message as it is stored; its chat is the page's.
struct Message {
  std::string sender;
  std::string text;
  std::int64_t send_time;  ///< microseconds since 1970

  friend bool operator==(const Message&, const Message&) = default;
};

/// What a pull asks for, in the store's terms.
struct PageRange {
  std::int64_t cursor = 0;                       ///< inclusive; 0: from the oldest, or in reverse from the newest
  std::int32_t limit = kDefaultPullLimit;        ///< 1 to kMaxPullLimit
  bool reverse = false;                          ///< newest first
  std::size_t max_bytes = std::size_t{1} << 20;  ///< of text; the first message is served whatever its size
};

/// What a pull answers.
struct Page {
  std::vector<Message> messages;
  bool has_more = false;         ///< whether messages beyond the last one were left out
  std::int64_t next_cursor = 0;  ///< where to go on from; see next_cursor() below
};

/// What is left of a page's bounds while messages are put into it.
class PageRoom {
 public:
  explicit PageRoom(const PageRange& range) noexcept
      : messages_(static_cast<std::size_t>(range.limit)), bytes_(range.max_bytes) {}

  /// Takes the room of a message whose text has `bytes`. False if it is not there: the page has more. The first message
  /// has room whatever its size.
  [[nodiscard]] bool take(std::size_t bytes) noexcept {
    if (messages_ == 0 || (bytes > bytes_ && !empty_)) return false;
    --messages_;
    bytes_ -= std::min(bytes, bytes_);
    empty_ = false;
    return true;
  }
  [[nodiscard]] std::size_t messages() const noexcept { return messages_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  std::size_t messages_;
  std::size_t bytes_;
  bool empty_ = true;
};

/// The place to go on from: the last message's time + 1 (reverse: − 1), or the request's cursor after an empty page.
[[nodiscard]] std::int64_t next_cursor(const std::vector<Message>& messages, const PageRange& range) noexcept;

/// kInvalidText or kTextTooLong (over `max_bytes`), or nothing wrong.
[[nodiscard]] Result<void> check_text(std::string_view text, std::size_t max_bytes);

/// kInvalidIdempotencyKey when `key` is over 128 bytes or not UTF-8. The empty key, which is none, passes.
[[nodiscard]] Result<void> check_idempotency_key(std::string_view key);

}  // namespace parley
