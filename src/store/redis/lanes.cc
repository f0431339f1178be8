#include "store/redis/lanes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <fmt/format.h>

#include "base/parse_number.h"
#include "redis/client.h"

namespace parley::store {
namespace {

constexpr double kSlots = 16384;
constexpr std::string_view kLetters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// All tags of one or two letters. They spread over the slots: the next one is never far.
std::vector<std::string> all_tags() {
  std::vector<std::string> out;
  for (const char letter : kLetters) out.emplace_back(1, letter);
  for (const char first : kLetters) {
    for (const char second : kLetters) out.push_back({first, second});
  }
  return out;
}

/// Where a lane should be. Places are the multiples of the golden section, which spread evenly however many they are.
double place_of(std::size_t lane) {
  constexpr double kGolden = 0.6180339887498949;
  constexpr double kFirst = 0.098;  // from there on 16 lanes spread best over two to six servers
  return std::fmod((static_cast<double>(lane) * kGolden) + kFirst, 1) * (kSlots - 1);
}

/// Each lane takes the tag whose slot is the nearest to its place, of those that no lane before it has taken.
std::array<std::string, kMaxRedisLanes> make_prefixes() {
  std::vector<std::string> tags = all_tags();
  std::vector<double> slots;
  slots.reserve(tags.size());
  for (const std::string& tag : tags) slots.push_back(redis::hash_slot(tag));
  std::array<std::string, kMaxRedisLanes> out;
  for (std::size_t lane = 0; std::string & prefix : out) {
    const auto nearest =
        std::ranges::min_element(slots, {}, [place = place_of(lane++)](double slot) { return std::abs(slot - place); });
    *nearest = std::numeric_limits<double>::infinity();
    prefix = fmt::format("parley:{{{}}}:", tags[static_cast<std::size_t>(nearest - slots.begin())]);
  }
  return out;
}

const std::string& prefix_of(std::size_t lane) {
  static const auto prefixes = make_prefixes();
  return prefixes[lane];
}

}  // namespace

std::string redis_key(std::size_t lane, RedisKey kind, std::string_view name) {
  const std::string& prefix = prefix_of(lane);
  std::string out;
  out.reserve(prefix.size() + 1 + name.size());
  out.append(prefix);
  out.push_back(static_cast<char>(kind));
  out.append(name);
  return out;
}

std::size_t redis_lane_of(std::string_view name, std::size_t lanes) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a, whose low bits alone are weak
  for (const char byte : name) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  hash ^= hash >> 32;
  return hash % lanes;
}

std::size_t redis_lane_of_index(std::string_view user, std::size_t lanes) noexcept {
  constexpr std::string_view kFollower = "lane:";  // a member's name has no colon
  if (user.starts_with(kFollower)) {
    const auto lane = parse_number<std::size_t>(user.substr(kFollower.size()));
    if (lane && *lane < lanes) return *lane;
  }
  return redis_lane_of(user, lanes);
}

}  // namespace parley::store
