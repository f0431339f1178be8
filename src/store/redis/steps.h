// The way of every change to Redis: gathered in batches, one a lane, done by steps, and settled if an answer is lost.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "base/task.h"
#include "net/loop.h"
#include "redis/client.h"
#include "store/bell.h"
#include "store/redis/batch.h"
#include "store/redis/calls.h"
#include "store/redis/clocks.h"
#include "store/redis/identity.h"
#include "store/redis/scripts.h"
#include "store/store_metrics.h"
#include "store/store_options.h"

namespace parley::store {

/// What a loop gathers in one turn goes to Redis in one call, which has a batch for each lane; in a cluster, in one
/// call for each lane, since each may lie on another server. While as many calls are under way as may be, the next one
/// grows. So calls grow with the load. Each lane of a call stands for itself: it has its own clock, limit and answer.
///
/// A call whose answer is lost is sent again until it is answered or nobody waits for it any longer: the same items,
/// number and limits. A lane keeps the number and answer of each sender's last batch, so it is done once. A batch that
/// nobody waits for any longer is refused while the lane knows a later one of its sender, and above its limit: in
/// between it may still be done, once. What is sent again carries the clock of that moment: the server that it goes to
/// may be another one by then, and a reader may have seen later records than the first attempt on the one before, so
/// that an old time would be behind its cursor.
///
/// A lane that lost its data has another id, or none, and refuses what is meant for the one before.
class RedisSteps {
 public:
  struct Counts {
    Counter settled;  ///< items whose reply was lost and which were found to be done
  };

  /// Calls that a loop has under way over one server. With only two, the first few of those who are answered and send
  /// again make a small call, for which all others wait.
  static constexpr std::size_t kCallsUnderWay = 8;

  /// What it is given must outlive it. `one_server`: the lanes are not spread over a cluster.
  RedisSteps(redis::Client& client, const RedisIdentity& identity, RedisClocks& clocks, Bell& bell,
             const StoreOptions& options, StoreMetrics& metrics, net::LoopPool& loops, bool one_server);
  /// After the client has stopped. Blocks; not from a loop.
  ~RedisSteps();
  RedisSteps(const RedisSteps&) = delete;
  RedisSteps& operator=(const RedisSteps&) = delete;

  /// Does `item`, and returns when it is as durable as the store promises. The item can be used again after
  /// kBeyondLimit: then it was surely not done, and is not going to be. kOverloaded, kUnavailable: nor was it.
  /// kOutcomeUnknown. On a loop.
  [[nodiscard]] Task<RedisDone> run(RedisItem& item, Deadline deadline);

  /// The id of a lane, for an item that is begun now. Holds until the loop's next turn. On a loop.
  [[nodiscard]] const RedisLaneId& lane_id(std::size_t lane);

  [[nodiscard]] const Counts& counts() const noexcept { return counts_; }

 private:
  struct Waiting;
  struct Batch;
  struct Sender;
  struct Call;
  struct Queue;
  struct Lane;
  struct Loop;

  [[nodiscard]] Loop& here() const;
  void look_at_ids(Loop& loop);
  void leave_queue(Waiting& waiting);
  void expire(Waiting& waiting);
  void flush(Loop& loop);
  void send_what_waits(Loop& loop, Queue& queue);
  [[nodiscard]] std::unique_ptr<Call> take_call(Loop& loop, Queue& queue);
  [[nodiscard]] Batch& batch_for(Loop& loop, Call& call, std::size_t lane);
  [[nodiscard]] Async<> do_call(Loop& loop, Queue& queue, std::unique_ptr<Call> call);
  [[nodiscard]] Async<> ask(Loop& loop, Call& call);
  void take_answer(Loop& loop, Call& call, RedisAnswer answer);
  [[nodiscard]] bool take_step(Loop& loop, const Call& call, Batch& batch, const redis::Reply& reply);
  [[nodiscard]] Async<> renew_where_due(Loop& loop, Call& call);
  [[nodiscard]] Async<> renew_for(Loop& loop, Call& call, Batch& batch);
  [[nodiscard]] Async<> renew_full(Loop& loop, std::size_t lane, std::string id);
  [[nodiscard]] Task<void> renew_generations(Lane& lane, std::size_t number, std::string_view id, bool full,
                                             Deadline deadline);
  void settle(Loop& loop, const Call& call, Batch& batch, const RedisStep& step);
  [[nodiscard]] Result<RedisDone> settled(const Call& call, const Batch& batch, const RedisStep& step,
                                          const RedisDone& done) const;
  void saw(std::size_t lane, std::int64_t clock) noexcept;
  static void end_undone(Batch& batch, const Error& why);
  static void end(Batch& batch, const Result<RedisDone>& with);
  void ring(const Batch& batch);

  redis::Client& client_;
  const RedisIdentity& identity_;
  RedisClocks& clocks_of_store_;
  Bell& bell_;
  const StoreOptions options_;
  StoreMetrics& metrics_;
  const bool one_server_;
  const redis::Script script_;
  const std::string sender_;                       // begins the names of all senders of this process
  std::atomic<std::size_t> waiting_{0};            // items that are in no batch yet
  std::vector<std::atomic<std::int64_t>> clocks_;  // the highest that was seen, by lane
  Counts counts_;
  std::vector<std::unique_ptr<Loop>> loops_;
};

}  // namespace parley::store
