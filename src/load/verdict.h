// Whether what can be read back is what was acknowledged.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "load/ledger.h"

namespace parley::load {

/// The promises that a run holds a server to, and how often each was broken; and what was looked at.
struct Verdict {
  std::uint64_t acknowledged = 0;    ///< sends that were answered with 200
  std::uint64_t unknown = 0;         ///< sends that may have been stored
  std::uint64_t unknown_stored = 0;  ///< of them, those that were
  std::uint64_t chats = 0;           ///< that were to be read back
  std::uint64_t unread = 0;          ///< of them, those that could not be
  std::uint64_t unverified = 0;      ///< acknowledged sends of those

  std::uint64_t lost = 0;       ///< acknowledged, and not there
  std::uint64_t twice = 0;      ///< there more than once
  std::uint64_t altered = 0;    ///< another text, time or chat than was acknowledged
  std::uint64_t disorder = 0;   ///< a time that is not greater than the one before
  std::uint64_t overtaken = 0;  ///< a message that was acknowledged before another was sent, and has the later time
  std::uint64_t refused = 0;    ///< there, though the answer was that nothing is stored
  std::uint64_t missed = 0;     ///< not given to a follower who was given later ones, or given more than once
  std::uint64_t bad_pages = 0;  ///< out of order, too long, or before their cursor

  void merge(const Verdict& other);
  /// One more send, by what was told of it.
  void count(Told told) noexcept;
  /// Each broken promise with how often; empty: all hold.
  [[nodiscard]] std::vector<std::pair<std::string, std::uint64_t>> violations() const;
};

struct NamedSend {
  SendName name;
  const SendRecord* record;
};

/// A message as it was read back.
struct StoredMessage {
  std::int64_t time = 0;
  std::optional<SendName> owner{};  ///< none: not of this run
  bool intact = true;               ///< the text is the one that was sent
};

/// Of a chat that could not be read back: what was told of its sends.
[[nodiscard]] Verdict unread_chat(std::span<const NamedSend> sends);

/// Judges one chat: all of its sends, its followers, and what was read back of it, in that order.
[[nodiscard]] Verdict judge_chat(std::span<const NamedSend> sends, std::span<const FollowRecord> follows,
                                 std::span<const StoredMessage> stored);

}  // namespace parley::load
