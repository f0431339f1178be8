// The idempotency keys whose sends are under way, so that concurrent repeats store once.
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/task.h"
#include "base/wakeup.h"
#include "net/loop.h"
#include "store/rocksdb_keys.h"

namespace parley::store {

/// How a keyed send that was under way ended.
struct KeyOutcome {
  enum class Kind {
    kStored,   ///< `record` says what is there
    kRefused,  ///< nothing was stored: whoever waits may try for itself
    kUnknown,  ///< it may be there, now or after a restart
  };
  Kind kind = Kind::kUnknown;
  KeyRecord record{};
};

/// Any thread, but for wait(), which is a loop's.
class IdempotencyTable {
 public:
  /// Claims `name`. True: the caller is the first, and must settle() it, whatever happens. False: somebody is at it.
  [[nodiscard]] bool claim(const std::string& name);

  /// Suspends until the claim that holds `name` is settled; nothing where none holds it (any more), so that the caller
  /// looks again; kUnknown past the deadline.
  [[nodiscard]] Async<std::optional<KeyOutcome>> wait(const std::string& name, Deadline deadline);

  /// Ends the claim and tells everyone who waits. What was stored must be visible to readers before.
  void settle(const std::string& name, KeyOutcome outcome);

 private:
  struct Waiter {
    explicit Waiter(net::Loop& at) : loop(at) {}
    net::Loop& loop;
    Wakeup done;  // the rest is the loop's alone
    std::optional<KeyOutcome> outcome;
  };
  struct Shard {
    std::mutex mutex;
    std::unordered_map<std::string, std::vector<std::shared_ptr<Waiter>>> claims;
  };
  static constexpr std::size_t kShards = 16;

  [[nodiscard]] Shard& shard_of(const std::string& name) { return shards_[std::hash<std::string>{}(name) % kShards]; }
  [[nodiscard]] std::shared_ptr<Waiter> enlist(const std::string& name);
  static void tell(const std::shared_ptr<Waiter>& waiter, KeyOutcome outcome);

  std::array<Shard, kShards> shards_;
};

}  // namespace parley::store
