#include "store/redis/entries.h"

#include <charconv>
#include <system_error>

#include <fmt/format.h>

#include "base/parse_number.h"
#include "base/quote.h"
#include "chat/message.h"

namespace parley::store {
namespace {

using redis::Reply;

/// The time in `<time>-0`.
std::optional<std::int64_t> time_of(std::string_view id) noexcept {
  std::int64_t time = 0;
  const auto [rest, error] = std::from_chars(id.data(), id.data() + id.size(), time);
  if (error != std::errc{} || std::string_view(rest, id.data() + id.size()) != "-0") return std::nullopt;
  if (time < kMinSendTime || time > kMaxSendTime) return std::nullopt;
  return time;
}

}  // namespace

std::string fault_of_redis_format(std::string_view found) {
  const int format = parse_number<int>(found).value_or(0);
  if (format < 1) {
    return fmt::format("{} is {}, which is not a version", kRedisFormatKey, quote(found));
  }
  if (format == kRedisFormat) return {};
  return fmt::format(
      "the data have format {}, and this program knows format {} alone: {}", format, kRedisFormat,
      format > kRedisFormat ? "use a newer program" : "use an empty database, or the program that wrote them");
}

bool is_redis_entry(const Reply& reply) noexcept {
  return reply.type == Reply::Type::kArray && reply.elements.size() == 2 &&
         reply.elements[0].type == Reply::Type::kString && reply.elements[1].type == Reply::Type::kArray;
}

std::optional<RedisEntry> read_entry(const ChatId& chat, const Reply& entry) {
  if (!is_redis_entry(entry)) return std::nullopt;
  const auto& fields = entry.elements[1].elements;
  if (fields.size() != 2 || fields[0].text != kRedisRecordField) return std::nullopt;
  const auto time = time_of(entry.elements[0].text);
  const auto record = decode_record(chat, fields[1].text);
  if (!time || !record) return std::nullopt;
  return RedisEntry{*time, *record};
}

}  // namespace parley::store
