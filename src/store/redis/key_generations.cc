#include "store/redis/key_generations.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <boost/endian/conversion.hpp>
#include <fmt/format.h>

#include "store/redis/lanes.h"

namespace parley::store {
namespace {

/// Server clocks may differ from one another and be set.
constexpr std::chrono::minutes kServerClockError{1};

/// Takes the number that `text` begins with.
template <class Number>
bool take(std::string_view& text, Number& number) {
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
  return error == std::errc{};
}

bool take(std::string_view& text, char mark) {
  if (!text.starts_with(mark)) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::optional<RedisKeyGenerations> RedisKeyGenerations::parse(std::string text) {
  RedisKeyGenerations out;
  for (std::string_view rest = text; !rest.empty();) {
    Generation generation;
    if (!out.empty() && !take(rest, ',')) return std::nullopt;
    if (!take(rest, generation.number) || !take(rest, ':') || !take(rest, generation.buckets)) return std::nullopt;
    if (generation.buckets == 0 || generation.buckets > kMostBuckets) return std::nullopt;
    out.generations_.push_back(generation);
  }
  out.text_ = std::move(text);
  return out;
}

std::size_t RedisKeyGenerations::room() const noexcept {
  return empty() ? 0 : generations_.front().buckets * kKeysOfBucket;
}

bool RedisKeyGenerations::may_grow() const noexcept { return generations_.size() < kMostGenerations; }

RedisKeyGenerations::Generation RedisKeyGenerations::next(bool full) const noexcept {
  if (empty()) return {.number = 1, .buckets = kLeastBuckets};
  const Generation& newest = generations_.front();
  return {.number = newest.number + 1,
          .buckets = full ? std::min(newest.buckets * kGrowth, kMostBuckets) : newest.buckets};
}

std::size_t RedisKeyGenerations::fewer() const noexcept {
  return empty() ? kLeastBuckets : std::max(generations_.front().buckets / kGrowth, kLeastBuckets);
}

std::size_t RedisKeyGenerations::few() const noexcept { return empty() ? 0 : fewer() * kKeysOfBucket / 2; }

std::string RedisKeyGenerations::key(std::size_t lane, const Generation& generation) {
  return redis_key(lane, RedisKey::kGeneration, fmt::format_int(generation.number).c_str());
}

std::string RedisKeyGenerations::bucket(std::size_t lane, const Generation& generation, std::string_view print) {
  const auto* const bytes = reinterpret_cast<const unsigned char*>(print.data());
  const std::size_t bucket = boost::endian::load_big_u32(bytes + 8) % generation.buckets;
  std::string out = redis_key(lane, RedisKey::kKeys);
  fmt::format_to(std::back_inserter(out), "{}.{}", generation.number, bucket);
  return out;
}

RedisKeyTimes redis_key_times(std::chrono::microseconds window) noexcept {
  const auto least = std::chrono::ceil<std::chrono::milliseconds>(window) + kServerClockError;
  return {.lives = 2 * least, .least = least};
}

}  // namespace parley::store
