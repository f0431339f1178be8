// What Redis does for us in one step, in Lua.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "redis/command.h"

namespace parley::store {

// A lane's clock is a hash of these fields:
//
//   t            the clock: the last time that was given in the lane
//   k            the highest time of the lane that is known to be confirmed by replicas
//   g            the generations of idempotency keys: see key_generations.h
//   n            how many keys the newest of them has taken
//   i            the lane's random id: see lane_ids.h
//   v, l         the store's format, and how many lanes it has (entries.h). A program that takes the store to another
//                format sets v in every lane, too.
//   f<a sender>  what its last batch did: the greatest limit of those of its batches that stored something, then this
//                one's number and answer. A sender has one batch under way at a time, and numbers them. The field is
//                kept until the clock has passed that limit, at least. So long a late attempt of a batch that stored
//                something is refused. A batch that stored nothing by then, and whose limit is later, may still store.
//
// No other field begins with f. A field of a sender that a node cannot read is left alone.
//
// A generation of keys is there for as long as its hash, `g<number>`. Field b says how many buckets it has. All other
// fields are of records that had a key and are there no longer, since they were recalled: a repeat with the key is
// still one. Whatever takes such a record away sets its field first, in the same step, in the generation that the entry
// of its key is in. The field is that entry, as it stands in the bucket. The value is
//
//   <time of the record> <sha1hex(the log's key ‖ the sender ‖ the key's field)> <sha1hex(the record)>
//
// with the sender and the key's field as they stand in the record (record_codec.h, batch.h). A step looks there if an
// entry has led it to no record that is a repeat.
//
// An entry of an idempotency key in its bucket has two bytes of the key's print, and six of the time.
//
// Whatever takes a record away leaves an emptied one at its time: a message without a body, for instance, which says
// that it was recalled. XDEL alone only marks an entry. Its bytes stay in the node of the stream, in dumps and in logs,
// until all entries of the node are deleted. So the node is made anew, in one step:
//
//   1. XDEL deletes what is behind the entry, then the entry, and then one after the other what is before it, until
//      XINFO counts one radix-tree key less: now the node is gone.
//   2. XSETID takes the last id back to what is left, and XADD puts everything back under its id.
//
// That takes Redis five microseconds for each entry behind. If there are more than some hundreds, another stream of the
// lane, `x<chat>`, is filled instead, in steps of some hundreds each, while appends go on. The last step renames it to
// the log. That takes three microseconds for each entry of the chat, and the chat's memory a second time. A copy that
// ends second would bring back what the first one took away, so the last step needs a row in the chat's table to be as
// it was when the copy began, and changes it. Neither way needs anything of appends: emptied_record_test.cc does both.
// But each node must drop the pages of the chat that it keeps, or it goes on telling the text.
//
// A repeat is told by the bytes of its first record alone. So the same message must be the same bytes in every version:
// encoders of messages never change for what they can encode already. Otherwise nodes of two versions would answer each
// other's repeats with a conflict.

struct RedisStepRules {
  std::chrono::microseconds window;  ///< how much older than the node's clock a record may be that a key stands for
  std::chrono::milliseconds least;   ///< for how long a generation must go on living that takes keys
  bool confirm = false;              ///< whether what was done before is followed by a write for WAIT
};

/// The step that does a call's batches (batch.h), one lane after the other: it gives times to all items of a lane, and
/// stores them. An item that cannot be stored does not keep the others from it, nor does a lane. Harmless to execute
/// again, and late. Answers an array of what each lane says.
///
/// In a lane every check comes before the first write, and the clock and the batch's number before the records:
/// whatever fails in between, no record is without them. The first write is one that a full server refuses. If all that
/// there is to do is refused, the step answers with the error.
///
/// WAIT counts what its own connection wrote, on Redis 7.2 and later and on Valkey without the commands that wrote
/// nothing. So replicas confirm what was stored before only by confirming a write behind it. It is one that takes no
/// memory, so that a full server takes it. It is in one step with the look, since between two another server may become
/// the master, whose replicas would confirm the write and not the record.
[[nodiscard]] redis::Script make_step_script(const RedisStepRules& rules);

/// The same for other scripts: such a write to KEYS[1].
inline constexpr std::string_view kRedisConfirmLua = R"lua(
redis.call('PEXPIREAT', KEYS[1], '253402300799000')
redis.call('PERSIST', KEYS[1])
)lua";

/// Begins a new generation of a lane's idempotency keys. Answers what the generations are then, or `!lost` if the lane
/// has another id.
///
/// Keys: the lane's clock; the new generation's; each generation's that there is. Arguments: the lane's id; the
/// generations as the caller knows them (if they are others, nothing is done); the new one's number; how many buckets
/// it is to have; how many fewer it has if the newest one has taken less keys than the next argument; for how many
/// milliseconds it lives.
[[nodiscard]] const redis::Script& begin_generation_script();

/// The entries of a page up to the first with which they have more bytes than asked for, so that the answer is bounded
/// whatever the records are: {1 where it stopped before the stream's end, the entries}.
///
/// Keys: the stream. Arguments: XRANGE or XREVRANGE; from; to; how many entries; how many bytes.
[[nodiscard]] const redis::Script& bounded_page_script();

/// The value of the first key, which is made of the argument if it has none; but if another key is there by then, it
/// should have had one, and the answer is empty.
[[nodiscard]] const redis::Script& get_or_make_script();

}  // namespace parley::store
