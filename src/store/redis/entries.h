// How a store lies in Redis: the keys that belong to all of it, and the entries of its streams.
//
//   parley:format             the version of all this
//   parley:id                 the store's random id
//   parley:lanes:{parley:id}  how many lanes the store has. It shares the slot of the id, and is lost with it.
//   parley:{<tag>}:…          a lane. lanes.h names its kinds of keys, scripts.h says what its clock is.
//
// A cluster can lose the first three alone. Format and lanes are then as the clocks say, which have them too.
//
// A chat is a stream in its lane. An entry's id is <time>-0, and it has one field, whose value is the record
// (record_codec.h). Redis keeps the field's name once, since all entries have the same.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "chat/chat_id.h"
#include "redis/reply.h"
#include "store/record_codec.h"

namespace parley::store {

inline constexpr std::string_view kRedisFormatKey = "parley:format";
inline constexpr std::string_view kRedisIdKey = "parley:id";
inline constexpr std::string_view kRedisLanesKey = "parley:lanes:{parley:id}";
inline constexpr int kRedisFormat = 2;

/// What is wrong with the format that Redis shows, for a person; empty: it is ours.
[[nodiscard]] std::string fault_of_redis_format(std::string_view found);

/// The only field of an entry.
inline constexpr std::string_view kRedisRecordField = "r";

/// A record, which points into the entry.
struct RedisEntry {
  std::int64_t time = 0;
  RecordView record;
};

/// The record of an entry as XRANGE answers it; nothing if it is none of ours.
[[nodiscard]] std::optional<RedisEntry> read_entry(const ChatId& chat, const redis::Reply& entry);

/// Whether `reply` has the form of an entry: its id, and a list.
[[nodiscard]] bool is_redis_entry(const redis::Reply& reply) noexcept;

}  // namespace parley::store
