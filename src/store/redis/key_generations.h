// What a lane remembers of idempotency keys, and for how long.
//
// Keys lie in buckets, which are strings of short entries, many to a key of Redis: so one takes ten bytes or so. The
// buckets of a generation expire together. The newest generation takes keys, and those before it are looked at for as
// long as they live. A new one begins when the newest has taken keys for a window, or as many as it has room for. Then
// it has more buckets. But each generation costs every send with a key a look, so there is a limit to how many begin
// because the newest is full.
//
// Which bucket a key lies in depends on a secret of its lane, so that no client can aim at one.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace parley::store {

/// The generations of a lane, the newest first, as they stand in its clock: `<number>:<buckets>,…`. Empty: none has
/// begun.
class RedisKeyGenerations {
 public:
  struct Generation {
    std::uint64_t number = 0;
    std::size_t buckets = 0;
  };

  static constexpr std::size_t kLeastBuckets = 64;
  static constexpr std::size_t kGrowth = 4;
  static constexpr std::size_t kMostBuckets = 524'288;
  /// The keys that a generation has room for, for each of its buckets.
  static constexpr std::size_t kKeysOfBucket = 160;
  /// With so many no other one begins because the newest is full.
  static constexpr std::size_t kMostGenerations = 8;

  /// Nothing if `text` is none.
  [[nodiscard]] static std::optional<RedisKeyGenerations> parse(std::string text);

  [[nodiscard]] bool empty() const noexcept { return generations_.empty(); }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  [[nodiscard]] const std::vector<Generation>& all() const noexcept { return generations_; }

  /// How many keys the newest one takes; 0: there is none.
  [[nodiscard]] std::size_t room() const noexcept;
  /// Whether another one may begin because the newest is full.
  [[nodiscard]] bool may_grow() const noexcept;
  /// The number and buckets of the next one. `full`: since the newest is.
  [[nodiscard]] Generation next(bool full) const noexcept;
  /// How many buckets the next one has if the newest one took less than few() keys in its time.
  [[nodiscard]] std::size_t fewer() const noexcept;
  [[nodiscard]] std::size_t few() const noexcept;

  /// The hash that is there for as long as a generation: see scripts.h.
  [[nodiscard]] static std::string key(std::size_t lane, const Generation& generation);
  /// The bucket for what has this print, of 16 bytes.
  [[nodiscard]] static std::string bucket(std::size_t lane, const Generation& generation, std::string_view print);

 private:
  std::string text_;
  std::vector<Generation> generations_;
};

/// For how long a generation lives, and how much of it is left when it takes keys no longer.
struct RedisKeyTimes {
  std::chrono::milliseconds lives;
  std::chrono::milliseconds least;
};
/// Whatever is remembered outlives `window`, although the clocks of servers differ from one another.
[[nodiscard]] RedisKeyTimes redis_key_times(std::chrono::microseconds window) noexcept;

}  // namespace parley::store
