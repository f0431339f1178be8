// Appends to Redis: once and in order without a lock, whatever becomes of the link.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "base/task.h"
#include "net/loop.h"
#include "redis/client.h"
#include "store/idempotency_record.h"
#include "store/message_store.h"
#include "store/redis/entries.h"
#include "store/redis/identity.h"
#include "store/redis/recent_chats.h"
#include "store/redis/scripts.h"
#include "store/store_metrics.h"
#include "store/store_options.h"

namespace parley::store {

/// An append without a key is one XADD under a time that the node chooses. Redis refuses a time that is not above the
/// stream's last. After a refusal a script appends under a later time. After a lost reply it looks first whether the
/// XADD was executed; once it has appended, the XADD will be refused. It knows such an append by its nonce, and one
/// with a key, which is by script from the beginning, by its key, so that scripts may be repeated.
///
/// Whatever is sent again is sent under a time of that moment. The server that it goes to may be another one by then,
/// and a reader may have seen later messages than the first attempt on the one before: an old time would be behind its
/// cursor.
class RedisWriter {
 public:
  struct Counts {
    Counter refused;  ///< times that another node was ahead of
    Counter settled;  ///< appends whose reply was lost and which were found to be stored
  };

  /// What it is given must outlive it. `recent` has one for each loop.
  RedisWriter(redis::Client& client, const RedisIdentity& identity, const StoreOptions& options,
              RecentChatsOfLoops& recent, StoreMetrics& metrics);

  /// As MessageStore::append(). kOutcomeUnknown if Redis lost its data or was replaced meanwhile, kUnavailable while
  /// `identity` is not settled. On a loop.
  [[nodiscard]] Task<Appended> append(Draft draft, Deadline deadline);

  [[nodiscard]] const Counts& counts() const noexcept { return counts_; }

 private:
  struct Attempt {  // an append that is under way
    Draft draft;
    Deadline deadline;
    std::int64_t now;          // the clock, read once: the window of a key does not end between two attempts
    std::int64_t time;         // to try
    bool tried = false;        // this time
    std::string stream;        // its key
    std::string sender;        // the entry's first value
    std::uint64_t stores = 0;  // RedisIdentity's when it was begun
  };
  struct Identity {  // what an append by script is known by
    const redis::Script& script;
    RedisGenerations keys;
    std::string key;
    TextHash text_hash{};
    std::string lost{};  // the id of an XADD that was sent and not answered; empty: there was none
  };

  [[nodiscard]] Task<Appended> append_plain(Attempt& attempt);
  [[nodiscard]] Task<Appended> append_keyed(Attempt& attempt);
  [[nodiscard]] Task<Appended> append_again(Attempt& attempt, std::string lost);
  [[nodiscard]] Task<RedisAppended> run_script(Attempt& attempt, const Identity& identity);

  void take_time(Attempt& attempt);
  [[nodiscard]] Result<Appended> stored(const Attempt& attempt, std::int64_t time, bool duplicate = false);
  [[nodiscard]] std::string make_nonce();
  [[nodiscard]] RecentChats& recent() noexcept { return *recent_[net::Loop::current().index()]; }

  redis::Client& client_;
  const RedisIdentity& identity_;
  const StoreOptions options_;
  RecentChatsOfLoops& recent_;
  StoreMetrics& metrics_;
  const redis::Script keyed_;
  const redis::Script again_;  // without a key
  Counts counts_;
  std::vector<std::mt19937_64> random_;  // by loop
};

}  // namespace parley::store
