// A message, before and after it is stored, and a page of them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/error.h"
#include "chat/chat_id.h"
#include "chat/shared_text.h"

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

/// One text with which users reacted to a message.
struct Reaction {
  std::string reaction;
  std::size_t count = 0;             ///< of users
  std::vector<std::string> users{};  ///< the first ones, by time
  bool mine = false;                 ///< whether the reader is one of all of them

  friend bool operator==(const Reaction&, const Reaction&) = default;
};

/// What a message may have beyond its text, and plain messages have not.
struct MessageExtras {
  std::string idempotency_key{};  ///< there for the sender alone
  std::int64_t edited_time = 0;   ///< of the last edit; 0: none
  bool recalled = false;          ///< taken back: only the sender and times are left
  std::int64_t reply_to = 0;      ///< the time of a message of the same chat; 0: none
  std::vector<std::string> mentions{};
  std::string type{};  ///< the application's own kind; empty: text
  std::string data{};  ///< the application's own, JSON
  std::vector<Reaction> reactions{};

  friend bool operator==(const MessageExtras&, const MessageExtras&) = default;
};

/// A message as a reader sees it; its chat is the page's. Copies share text and extras.
struct Message {
  std::string sender;
  SharedText text;                                ///< empty once it is recalled
  std::int64_t send_time;                         ///< microseconds since 1970
  std::shared_ptr<const MessageExtras> extras{};  ///< null: a plain message

  friend bool operator==(const Message& a, const Message& b) {
    const auto plain = [](const Message& m) { return std::tie(m.sender, m.text, m.send_time); };
    const bool same_extras = a.extras == b.extras || (a.extras && b.extras && *a.extras == *b.extras);
    return plain(a) == plain(b) && same_extras;
  }
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

/// What is left of a page's bounds while messages, or whatever it is made of, are put into it.
class PageRoom {
 public:
  explicit PageRoom(const PageRange& range) noexcept
      : PageRoom(static_cast<std::size_t>(range.limit), range.max_bytes) {}
  /// For so many, of so many bytes in all.
  PageRoom(std::size_t count, std::size_t bytes) noexcept : count_(count), bytes_(bytes) {}

  /// Takes the room of one that has `bytes`, of a message those of its text. False if it is not there: the page has
  /// more. The first one has room whatever its size.
  [[nodiscard]] bool take(std::size_t bytes) noexcept {
    if (count_ == 0 || (bytes > bytes_ && !empty_)) return false;
    --count_;
    bytes_ -= std::min(bytes, bytes_);
    empty_ = false;
    return true;
  }
  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  std::size_t count_;
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
