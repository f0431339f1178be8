// The seam between the service and the engine that keeps the messages.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/health.h"
#include "base/task.h"
#include "chat/message.h"

namespace parley::store {

/// What may become of a chat's past.
enum class Past : std::uint8_t {
  kStays,    ///< appends are all that happens, and each is behind everything that was read before
  kChanges,  ///< what was read once may read otherwise later
};

/// The engines' promise, which is as strong as MessageStore's calls let it be. With a call that changes or takes back a
/// stored message, this is kChanges: then what keeps pages asks for each whether its chat was written to.
inline constexpr Past kPast = Past::kStays;

/// What became of a draft.
struct Appended {
  std::int64_t send_time = 0;  ///< the stored message's
  bool duplicate = false;      ///< nothing was stored now: an earlier append with this key was
};

/// Keeps the messages of every chat in the order of their times.
///
/// One contract suite (message_store_contract.h) says in tests what is said here in words. Every call is made on a
/// loop's thread (net::Loop::current()), from any number of loops at once, and resumes there.
class MessageStore {
 public:
  virtual ~MessageStore() = default;

  /// Stores `draft` and gives it its time, which is greater than that of every message stored or read before in this
  /// chat, and within kMinSendTime to kMaxSendTime. Returns when the message is as durable as the store promises. No
  /// reader sees it before.
  ///
  /// With an idempotency key, the first append of (chat, sender, key) stores. A repeat within the window stores nothing
  /// and answers the first one's time with `duplicate`. If the first one is still under way, the repeat waits for it.
  ///
  /// Errors:
  /// - kIdempotencyConflict: the key came with another text.
  /// - kOverloaded: a queue is full, or the deadline passed before the write was begun. Nothing was stored.
  /// - kUnavailable: the store takes no writes. Nothing was stored.
  /// - kOutcomeUnknown: the write failed, or the deadline passed after it was begun. It may be there, now or later.
  [[nodiscard]] virtual Task<Appended> append(Draft draft, Deadline deadline) = 0;

  /// The messages of `chat` from `range.cursor` on, in order. Errors: kChatNotFound (the chat never had a message),
  /// kOverloaded (the deadline passed, or too many reads wait), kUnavailable.
  [[nodiscard]] virtual Task<Page> read(ChatId chat, PageRange range, Deadline deadline) = 0;

  /// Whether reads and appends are possible, as far as this loop knows. It asks nobody.
  [[nodiscard]] virtual Health health() const = 0;

  /// The store's random id, made once when the store was. It becomes another one if somebody else replaces the store
  /// under a running process, as in Redis. Any thread.
  [[nodiscard]] virtual std::string id() const = 0;
};

}  // namespace parley::store
