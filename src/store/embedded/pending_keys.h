// The idempotency keys whose first append is under way, and the repeats that wait for its outcome.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "store/embedded/completion.h"
#include "store/idempotency_record.h"

namespace parley::store {

class PendingKeys;

struct KeyRefused {};  ///< nothing was stored, and no key is left behind: a repeat may try for itself
struct KeyUnknown {    ///< the write failed: the record may be there after a restart
  RecordHash hash{};
};

/// How the first append of a key ended.
using KeyOutcome = std::variant<IdempotencyRecord, KeyRefused, KeyUnknown>;

/// The right, and the duty, to settle a key: whoever holds it is the key's first append. One thread at a time. Settles
/// as KeyRefused when destroyed unsettled.
class KeyClaim {
 public:
  KeyClaim(KeyClaim&& other) noexcept = default;
  KeyClaim& operator=(KeyClaim&&) = delete;
  ~KeyClaim() { settle(KeyRefused{}); }

  [[nodiscard]] const std::string& key() const noexcept { return key_; }

  /// Tells every repeat that waits, and frees the key. A stored message must be visible to lookups by now, so that a
  /// repeat which comes next finds it. The first call counts.
  void settle(const KeyOutcome& outcome) noexcept;

 private:
  friend class PendingKeys;
  KeyClaim(std::shared_ptr<PendingKeys> table, std::string key) : table_(std::move(table)), key_(std::move(key)) {}

  std::shared_ptr<PendingKeys> table_;  // null once it is settled
  std::string key_;
};

/// Any thread. Claims keep it: one may be left on a loop when its store is gone.
class PendingKeys : public std::enable_shared_from_this<PendingKeys> {
 public:
  using Repeat = std::shared_ptr<Completion<KeyOutcome>>;

  /// At most `max_repeats` appends wait for others' outcomes.
  explicit PendingKeys(std::size_t max_repeats) : max_repeats_(max_repeats) {}

  /// The claim of `key` if nobody has it, else the outcome to wait for; nothing when too many wait already. On a loop.
  [[nodiscard]] std::optional<std::variant<KeyClaim, Repeat>> claim(std::string key);

 private:
  friend class KeyClaim;
  using Repeats = std::vector<Repeat>;
  struct Shard {
    std::mutex mutex;
    std::unordered_map<std::string, Repeats> keys;
  };

  [[nodiscard]] Shard& shard_of(const std::string& key) noexcept {
    return shards_[std::hash<std::string>{}(key) % shards_.size()];
  }
  void settle(const std::string& key, const KeyOutcome& outcome);

  std::size_t max_repeats_;
  std::atomic<std::size_t> repeats_{0};
  std::array<Shard, 32> shards_;
};

}  // namespace parley::store
