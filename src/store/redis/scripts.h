// What Redis does for us in one step, in Lua.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "redis/command.h"
#include "redis/reply.h"

namespace parley::store {

/// How a script of make_append_script() ended.
enum class RedisAppend : std::int64_t {
  kStored = 1,
  kRepeated = 2,  ///< the key is known, with this text: the time is the first message's
  kConflict = 3,  ///< the key is known with another text
  kUsedUp = 4,    ///< no time is left that a message could have
};

struct RedisAppended {
  RedisAppend how;
  std::int64_t time;  ///< the message's
};

struct RedisAppendRules {
  std::chrono::microseconds window;  ///< how much older than the node's clock a message may be that a key stands for
  std::chrono::milliseconds takes;   ///< for how long a generation takes keys
  bool confirm = false;              ///< whether what was stored before is followed by a write for WAIT
};

/// Appends unless the key is known, and remembers the key. Harmless to repeat, also under another time, and to execute
/// late. read_append_answer() tells what it answers: {how, the message's time}, or kStored alone.
///
/// Keys: the stream; the young and the old generation of keys. Arguments: the key; what is remembered of it: the time
/// to try, in eight bytes, the highest first, and 16 bytes that tell its text from others; the id of the entry under
/// the time to try (where that is refused, it is one more than the stream's last); the entry's two values; the node's
/// clock in microseconds; and, after an XADD of this message without an answer, the id that it had, which is not above
/// the one to try: where the entry of that id has this first value, the message is stored, and known.
///
/// WAIT counts what its own connection wrote, on Redis 7.2 and later and on Valkey without the commands that wrote
/// nothing. So replicas confirm what another connection stored only by confirming a write behind it. It is one that
/// takes no memory, so that a full server takes it. It is in one step with the look, since between two another server
/// may become the master, whose replicas would confirm the write and not the entry.
[[nodiscard]] redis::Script make_append_script(const RedisAppendRules& rules);
/// What `reply` says where `time` was the one to try; nothing where that makes no sense.
[[nodiscard]] std::optional<RedisAppended> read_append_answer(const redis::Reply& reply, std::int64_t time);

/// The entries of a page up to the first with which they have more bytes than asked for, so that the answer is bounded
/// whatever the texts are: {1 where it stopped before the stream's end, the entries}.
///
/// Keys: the stream. Arguments: XRANGE or XREVRANGE; from; to; how many entries; how many bytes.
[[nodiscard]] const redis::Script& bounded_page_script();

/// The value of a key, which is made of the argument where it has none.
[[nodiscard]] const redis::Script& get_or_make_script();

}  // namespace parley::store
