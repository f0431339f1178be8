#include "store/redis/entries.h"

#include <charconv>
#include <system_error>
#include <utility>

namespace parley::store {
namespace {

using redis::Reply;

/// The time in `<send_time>-0`.
std::optional<std::int64_t> send_time_of(std::string_view id) noexcept {
  std::int64_t time = 0;
  const auto [rest, error] = std::from_chars(id.data(), id.data() + id.size(), time);
  if (error != std::errc{} || std::string_view(rest, id.data() + id.size()) != "-0") return std::nullopt;
  if (time < kMinSendTime || time > kMaxSendTime) return std::nullopt;
  return time;
}

std::string with_suffix(std::string_view stream, char suffix) { return std::string(stream) + suffix; }

}  // namespace

std::string redis_stream_key(const ChatId& chat) {
  constexpr std::string_view kBefore = "parley:{c";
  std::string key;
  key.reserve(kBefore.size() + chat.name().size() + 2);  // a suffix may follow
  key.append(kBefore).append(chat.name()).append(1, '}');
  return key;
}

RedisGenerations redis_idempotency_keys(std::string_view stream) {
  return {with_suffix(stream, 'k'), with_suffix(stream, 'p')};
}

RedisGenerations redis_refused_keys(std::string_view stream) {
  return {with_suffix(stream, 'r'), with_suffix(stream, 'q')};
}

std::string redis_entry_id(std::int64_t send_time) { return std::to_string(send_time) + "-0"; }

char redis_sender(const ChatId& chat, std::string_view sender) noexcept { return sender == chat.first() ? '0' : '1'; }

bool is_redis_entry(const Reply& reply) noexcept {
  return reply.type == Reply::Type::kArray && reply.elements.size() == 2 &&
         reply.elements[0].type == Reply::Type::kString && reply.elements[1].type == Reply::Type::kArray;
}

std::optional<Message> redis_message(const ChatId& chat, Reply& entry) {
  if (!is_redis_entry(entry)) return std::nullopt;
  auto& fields = entry.elements[1].elements;
  if (fields.size() != 4 || fields[0].text != kRedisSenderField || fields[2].text != kRedisTextField) {
    return std::nullopt;
  }
  const auto time = send_time_of(entry.elements[0].text);
  const char sender = fields[1].text.empty() ? '\0' : fields[1].text.front();
  if (!time || (sender != '0' && sender != '1')) return std::nullopt;
  return Message{std::string(sender == '0' ? chat.first() : chat.second()), std::move(fields[3].text), *time};
}

}  // namespace parley::store
