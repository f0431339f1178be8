// A batch: what a step does in one lane, as its arguments say it, and what it answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/container/small_vector.hpp>

#include "redis/client.h"
#include "redis/reply.h"
#include "store/redis/key_generations.h"

namespace parley::store {

/// One append or write: all of it is done, or nothing.
struct RedisItem {
  std::size_t lane = 0;
  std::uint64_t epoch = 0;  ///< of the lane (RedisLaneId) when it was begun: its index rows are of that, and its print
  std::int64_t limit = 0;   ///< the latest time that it may have
  std::string chat{};       ///< of its records
  std::string log{};        ///< the chat's stream
  boost::container::small_vector<std::string, 1> records{};
  std::string print{};  ///< 16 bytes that tell an idempotency key from others; empty: there is none
  std::string
      key_field{};  ///< the bytes of the first record that hold the key; empty: it has none, although Change says so
  std::string table{};              ///< whose rows change; empty: none do
  std::vector<std::string> rows{};  ///< redis_row_arguments()
  bool raises = false;              ///< whether the row of the chat in the index of its lane's followers is raised

  /// The kinds that a step tells apart, in the order in which a batch has them.
  enum class Kind : std::uint8_t {
    kPlain,  ///< one record
    kKeyed,  ///< one record with an idempotency key
    kGeneral,
  };
  [[nodiscard]] Kind kind() const noexcept;
  /// What it adds to a batch, in a lane of so many generations of keys.
  [[nodiscard]] std::size_t bytes(std::size_t generations) const noexcept;
  /// Whether one step can do both: it looks for all keys before it stores anything.
  [[nodiscard]] bool goes_with(const RedisItem& before) const noexcept;
};

/// What became of an item.
struct RedisDone {
  enum class How : std::uint8_t {
    kStored,
    kRepeated,     ///< the key is known, with this record: the time is the first one's
    kConflict,     ///< the key is known with another record
    kRefused,      ///< a row is not as its condition says
    kUsedUp,       ///< no time is left that a record could have
    kFailed,       ///< Redis did not take it: RedisStep::fault says why
    kBeyondLimit,  ///< its time would have been above its limit, or that of another one of its batch
  };
  How how = How::kFailed;
  std::int64_t time = 0;  ///< of the first record; kBeyondLimit: the lane's clock

  friend bool operator==(const RedisDone&, const RedisDone&) = default;
};

/// Those of one lane that a step does together.
struct RedisBatch {
  std::size_t lane = 0;
  std::string lane_id{};
  std::int64_t known = 0;  ///< RedisClocks::known()
  std::int64_t floor = 0;  ///< the least time that they may have, whatever the clocks are
  std::shared_ptr<const RedisKeyGenerations> generations{};  ///< the lane's as the node knows them
  std::vector<RedisItem*> items{};  ///< by kind, and otherwise in the order of their times; they stay where they are
};

/// What a step answers of one lane.
struct RedisStep {
  enum class How : std::uint8_t {
    kDone,         ///< each item for itself
    kBeyondLimit,  ///< nothing was done
    kGenerations,  ///< nothing was done: the generations of keys are others, or a new one is due
    kOvertaken,    ///< nothing is done now: a later batch of the same sender was
    kLost,         ///< nothing was done: the lane has another id, or none
    kFault,        ///< nothing was done: `fault` says why
  };
  How how = How::kDone;
  std::int64_t clock = 0;  ///< the lane's, behind the step; kBeyondLimit: the least that the limit is to be, less one
  bool again = false;      ///< this was done before, and its answer kept
  bool kept = false;       ///< the lane knows the batch from now on, so that an attempt that comes late changes nothing
  bool full = false;       ///< the newest generation of keys is
  bool wrote = false;      ///< whether a write is there for replicas to confirm
  std::vector<RedisDone> items{};  ///< in the order of RedisBatch::items
  std::string fault{};             ///< of kFault, and of items that are kFailed
  std::string generations{};       ///< of kGenerations: what they are
};

/// What all batches of a call share.
struct RedisStepHead {
  std::int64_t now = 0;
  std::string_view sender{};  ///< a field of the lanes' clocks
  std::uint64_t number = 0;   ///< rises with each call of the sender
};

/// Adds to `call` what does the batches, each of one lane.
void put_steps(const RedisStepHead& head, std::span<const RedisBatch* const> batches, redis::ScriptCall& call);

/// What one lane's answer says of its batch; nothing if it makes no sense. `confirm` is RedisStepRules'.
[[nodiscard]] std::optional<RedisStep> read_step(const redis::Reply& reply, const RedisBatch& batch, bool confirm);

}  // namespace parley::store
