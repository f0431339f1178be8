// What Redis does for us in one step, in Lua.
#pragma once

#include <cstdint>

#include "redis/command.h"

namespace parley::store {

/// How append_once_script() ended. The answer is {how, the message's time}.
enum class RedisAppend : std::int64_t {
  kStored = 1,
  kRepeated = 2,  ///< the key is known, with this text: the time is the first message's
  kConflict = 3,  ///< the key is known with another text
  kUsedUp = 4,    ///< no time is left that a message could have
};

/// Appends unless the key is known, and remembers the key. Harmless to repeat, and to execute late.
///
/// Keys: the stream; the young and the old generation of keys. Arguments: the key; 16 bytes that tell its text from
/// others; the node's clock and the window, in microseconds; the time to try (one more than the stream's last is taken
/// where that is refused); the entry's two values; the milliseconds for which a generation takes keys; 1 where a known
/// key is to be followed by a write for WAIT, as in settle_script().
[[nodiscard]] const redis::Script& append_once_script();

/// The entries of a page up to the first with which they have more bytes than asked for, so that the answer is bounded
/// whatever the texts are: {1 where it stopped before the stream's end, the entries}.
///
/// Keys: the stream. Arguments: XRANGE or XREVRANGE; from; to; how many entries; how many bytes.
[[nodiscard]] const redis::Script& bounded_page_script();

/// Whether an entry is there, 1 or 0; where it is, writes to the stream without changing it.
///
/// WAIT counts what its own connection wrote, on Redis 7.2 and later and on Valkey without the commands that wrote
/// nothing. So replicas confirm what another connection stored only by confirming a write behind it. It is one that
/// takes no memory, so that a full server takes it, and it goes where the stream is while its slot moves. It is in one
/// step with the look, since between two another server may become the master, whose replicas would confirm the write
/// and not the entry.
///
/// Keys: the stream. Arguments: the entry's id and its first value.
[[nodiscard]] const redis::Script& settle_script();

/// The value of a key, which is made of the argument where it has none.
[[nodiscard]] const redis::Script& get_or_make_script();

}  // namespace parley::store
