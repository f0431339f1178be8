// How a store lies in Redis: the names of its keys, and the entries of its streams.
//
//   parley:format             the version of all this
//   parley:id                 the store's random id
//   parley:{c<chat>}          a stream: the messages of a chat, the entry's id being <send_time>-0
//   parley:{c<chat>}k, …p     hashes: the idempotency keys of this generation and of the past one
//   parley:{c<chat>}r, …q     the same for appends without a key whose first attempt was refused or not answered
//
// The c keeps the hash tag from being empty where a member's name begins with `}`. A stream's name ends with `}` and no
// other does, so that no chat's name can make one into another.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "chat/message.h"
#include "redis/reply.h"

namespace parley::store {

inline constexpr std::string_view kRedisFormatKey = "parley:format";
inline constexpr std::string_view kRedisIdKey = "parley:id";
inline constexpr int kRedisFormat = 1;

// The fields of an entry, always these two in this order: Redis then keeps their names once and not for each entry.
// What has other fields is of a kind that is not known yet, and is skipped.
inline constexpr std::string_view kRedisSenderField = "s";  ///< 0 or 1: the chat's first or second member; and a nonce
inline constexpr std::string_view kRedisTextField = "t";

/// The stream of `chat`.
[[nodiscard]] std::string redis_stream_key(const ChatId& chat);

/// Two hashes of the chat whose stream is `stream`: the young generation takes what is new, the old one is read.
struct RedisGenerations {
  std::string young;
  std::string old;
};
[[nodiscard]] RedisGenerations redis_idempotency_keys(std::string_view stream);
[[nodiscard]] RedisGenerations redis_refused_keys(std::string_view stream);

/// The id of a message of this time.
[[nodiscard]] std::string redis_entry_id(std::int64_t send_time);

/// What stands for the sender, a member of `chat`.
[[nodiscard]] char redis_sender(const ChatId& chat, std::string_view sender) noexcept;

/// The message of an entry as XRANGE answers it, whose text is moved out; nothing where it is of another kind.
[[nodiscard]] std::optional<Message> redis_message(const ChatId& chat, redis::Reply& entry);

/// Whether `reply` has the form of an entry: its id, and a list.
[[nodiscard]] bool is_redis_entry(const redis::Reply& reply) noexcept;

}  // namespace parley::store
