// What was sent and what became of it, for the reading back afterwards.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "load/plan.h"

namespace parley::load {

/// What the client was told of a send.
enum class Told : std::uint8_t {
  kUnknown,       ///< nothing, or that it may have been stored
  kAcknowledged,  ///< that it is stored
  kRefused,       ///< that nothing was stored
};

struct SendRecord {
  std::uint32_t chat = 0;
  Told told = Told::kUnknown;
  std::int64_t send_time = 0;  ///< as acknowledged
  Clock::time_point begun{};
  Clock::time_point ended{};
};

/// Which send a text belongs to.
struct SendName {
  std::uint32_t worker = 0;
  std::uint32_t number = 0;  ///< the record's place in its worker's ledger

  friend bool operator==(const SendName&, const SendName&) = default;
};

/// The texts of one run: the run's id and the send's name, filled up to the size that was asked for. Immutable.
class Texts {
 public:
  static constexpr std::size_t kLeast = 32;  ///< bytes that a text needs

  Texts(std::uint32_t run, std::size_t bytes);

  /// The first part of a text, unique for each send of each run; also its idempotency key.
  [[nodiscard]] std::string mark(SendName name) const;
  [[nodiscard]] std::string text(SendName name) const;

  /// Whose text it is; nothing where it is of another run or nobody's.
  [[nodiscard]] std::optional<SendName> owner(std::string_view text) const;

 private:
  std::string prefix_;
  std::size_t bytes_;
};

/// Chat number n, in its canonical spelling, and its first member.
[[nodiscard]] std::string chat_name(std::size_t number);
[[nodiscard]] std::string member_name(std::size_t number);

/// A connection's followed chat: what it was given from `from` up to `cursor`.
struct FollowRecord {
  std::uint32_t chat = 0;
  std::int64_t from = 0;
  std::int64_t cursor = 0;
  std::uint64_t seen = 0;
};

/// One worker's part. One thread.
struct Ledger {
  std::vector<SendRecord> sends;
  std::vector<FollowRecord> follows;
};

}  // namespace parley::load
