// Whether the lanes still hold their data.
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

#include "base/task.h"
#include "redis/client.h"
#include "store/redis/identity.h"

namespace parley::store {

/// In a cluster, one server alone holds the store's id, so that another one may lose its data and the id stays. And a
/// server can lose its data while its connections stay. For that each lane has a random id of its own, made once, which
/// is lost with its data. Every step says which id it means. It also is the secret of the lane's idempotency keys: see
/// key_generations.h. Any loop.
class RedisLaneIds {
 public:
  /// Keeps the ids in `identity`. What it is given must outlive it.
  RedisLaneIds(redis::Client& client, RedisIdentity& identity) : client_(client), identity_(identity) {}

  /// Learns the ids of all lanes, and makes those that there are not. On a loop.
  [[nodiscard]] Task<void> learn(Deadline deadline);

  /// Whether a lane has another id than was learnt, which is learnt then. A lane that does not answer in time is as it
  /// was. On a loop.
  [[nodiscard]] Async<bool> changed(std::chrono::milliseconds patience);
  /// The same of those lanes that lie on one server; nothing is learnt.
  [[nodiscard]] Async<bool> changed_on(redis::Ask ask);

 private:
  [[nodiscard]] Async<> learn_lane(std::size_t lane, Deadline deadline, Result<void>& learnt);
  [[nodiscard]] Async<> look_at(std::size_t lane, Deadline deadline, std::vector<std::size_t>& changed);
  [[nodiscard]] Async<> look_on(std::size_t lane, redis::Ask ask, bool& changed);
  [[nodiscard]] bool differs(std::size_t lane, const redis::CallResult& result) const;

  redis::Client& client_;
  RedisIdentity& identity_;
};

}  // namespace parley::store
