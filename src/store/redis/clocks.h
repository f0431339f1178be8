// The lanes' clocks: up to which times all is there for good.
//
// If replicas confirm what is stored, a lane's clock is not good enough: its last records may be lost in a failover,
// and others may then get their times. What counts is the highest time of the lane that is known to be confirmed. The
// lane keeps it beside its clock. It rides on the next append after the one that it is of, so a reader may find that it
// is behind, and then has the clock confirmed itself.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "base/task.h"
#include "net/loop.h"
#include "net/waiters.h"
#include "redis/client.h"
#include "store/message_store.h"
#include "store/redis/identity.h"

namespace parley::store {

/// Reads the clocks of all lanes: those who ask in one turn of a loop, or while another look is under way, share one.
class RedisClocks {
 public:
  /// What it is given must outlive it. `one_server`: the lanes are not spread over a cluster.
  RedisClocks(redis::Client& client, const RedisIdentity& identity, net::LoopPool& loops, bool one_server);
  /// After the client has stopped. Blocks; not from a loop.
  ~RedisClocks();

  /// As MessageStore::clocks(). kKnown has what lags confirmed too, but does not wait for long, and needs no replica to
  /// answer. kUnavailable if Redis lost its data or was replaced meanwhile. On a loop.
  [[nodiscard]] Task<std::vector<std::int64_t>> clocks(Clocks which, Deadline deadline);

  /// What was stored in the lane up to `time` is confirmed, with RedisIdentity::losses() as they were before it was
  /// asked for. Any thread.
  void confirmed(std::size_t lane, std::int64_t time, std::uint64_t losses);
  /// The highest time that this process knows to be confirmed, for the next append; 0: none, or nobody confirms.
  [[nodiscard]] std::int64_t known(std::size_t lane) const noexcept;

 private:
  struct Look;
  struct Loop;
  struct Lane {  // as it was read
    std::int64_t clock = 0;
    std::int64_t known = 0;
  };

  [[nodiscard]] Async<> look(Loop& loop, Clocks which);
  [[nodiscard]] Task<std::vector<std::int64_t>> take(Clocks which, Deadline deadline);
  [[nodiscard]] Task<std::vector<Lane>> read(Deadline deadline);
  [[nodiscard]] Task<void> confirm(std::vector<Lane>& lanes, Deadline deadline);
  [[nodiscard]] Task<void> ask(const redis::Script& script, const std::vector<std::size_t>& of,
                               std::vector<Lane>& lanes, redis::CallOptions options);
  [[nodiscard]] Async<> ask_once(const redis::Script& script, const std::vector<std::size_t>& of,
                                 std::vector<Lane>& lanes, redis::CallOptions options, std::optional<Error>& failed);

  redis::Client& client_;
  const RedisIdentity& identity_;
  const bool one_server_;
  std::vector<std::unique_ptr<Loop>> loops_;
  std::mutex mutex_;                              // of those who change what is below
  std::vector<std::atomic<std::int64_t>> known_;  // by lane
  std::atomic<std::uint64_t> losses_{0};          // after which known_ was learnt
};

}  // namespace parley::store
