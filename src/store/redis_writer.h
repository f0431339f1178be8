// Appends to Redis: once and in order without a lock, whatever becomes of the link.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "base/task.h"
#include "net/loop.h"
#include "redis/client.h"
#include "store/message_store.h"
#include "store/recent_chats.h"
#include "store/redis_entries.h"
#include "store/redis_scripts.h"
#include "store/store_metrics.h"
#include "store/store_options.h"

namespace parley::store {

/// An append without a key is one XADD under a time that the node chooses. Redis refuses a time that is not above the
/// stream's last. So the same XADD again is harmless, and one that was refused will never be executed: after a lost
/// reply it is sent again, and where that is refused, one look at the entry of this time says whether it is ours. If it
/// is not, a script appends under the next time there is. It knows such an append by its nonce, and one with a key by
/// its key, so that scripts too may be repeated.
class RedisWriter {
 public:
  struct Counts {
    Counter refused;  ///< times that another node was ahead of
    Counter settled;  ///< appends whose reply was lost and which were found to be stored
  };

  /// What it is given must outlive it. `recent` has one for each loop.
  RedisWriter(redis::Client& client, const StoreOptions& options, RecentChatsOfLoops& recent, StoreMetrics& metrics);

  /// As MessageStore::append(). On a loop.
  [[nodiscard]] Task<Appended> append(Draft draft, Deadline deadline);

  [[nodiscard]] const Counts& counts() const noexcept { return counts_; }

 private:
  struct Attempt {  // an append that is under way
    Draft draft;
    Deadline deadline;
    std::int64_t now;    // the clock, read once: what is repeated must be the same
    std::int64_t time;   // to try
    std::string stream;  // its key
    std::string id;      // of the entry under that time
    std::string sender;  // the entry's first value
  };
  struct Identity {  // what an append by script is known by
    RedisGenerations keys;
    std::string key;
    std::string text_hash;
    std::chrono::microseconds window;    // of the node's clock
    std::chrono::milliseconds kept_for;  // at least, by the server
  };
  struct ByScript {
    RedisAppend how;
    std::int64_t time;
  };

  [[nodiscard]] Task<Appended> append_plain(const Attempt& attempt);
  [[nodiscard]] Task<Appended> append_keyed(const Attempt& attempt);
  [[nodiscard]] Task<bool> is_stored(const Attempt& attempt);
  [[nodiscard]] Task<Appended> append_above(const Attempt& attempt);
  [[nodiscard]] Task<ByScript> run_script(const Attempt& attempt, const Identity& identity);

  [[nodiscard]] Appended stored(const Attempt& attempt, std::int64_t time);
  [[nodiscard]] std::string make_nonce();
  [[nodiscard]] RecentChats& recent() noexcept { return *recent_[net::Loop::current().index()]; }

  redis::Client& client_;
  const StoreOptions options_;
  RecentChatsOfLoops& recent_;
  StoreMetrics& metrics_;
  Counts counts_;
  std::vector<std::mt19937_64> random_;  // by loop
};

}  // namespace parley::store
