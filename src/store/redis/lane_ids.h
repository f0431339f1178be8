// Whether the lanes still hold their data.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/task.h"
#include "redis/client.h"
#include "store/redis/identity.h"

namespace parley::store {

/// In a cluster, one server alone holds the store's id, so that another one may lose its data and the id stays. And a
/// server can lose its data while its connections stay. For that each lane has a random id of its own, made once, which
/// is lost with its data. Every step says which id it means. It also is the secret of the lane's idempotency keys: see
/// key_generations.h.
///
/// A lane gets the store's format and number of lanes with its id. They lie elsewhere too (entries.h), but can be lost
/// there alone. Without them a start would make up others, and look for chats where they are not. Any loop.
class RedisLaneIds {
 public:
  /// The store that a lane is of.
  struct Store {
    std::string format;
    std::size_t lanes = 0;
  };
  struct Looked {
    bool changed = false;  ///< a lane has another id than was learnt
    std::string fault;     ///< of a lane that is of another store, for a person; empty: there was none
  };

  /// Keeps the ids in `identity`. What it is given must outlive it.
  RedisLaneIds(redis::Client& client, RedisIdentity& identity) : client_(client), identity_(identity) {}

  /// Which store the first lane is of that says so; nothing: none does, of as many lanes as there can be. On a loop.
  [[nodiscard]] Task<std::optional<Store>> store(Deadline deadline);

  /// Learns the ids of all lanes, and makes those that there are not. kUnavailable, too, if a lane is of a store of
  /// another format or number of lanes. On a loop.
  [[nodiscard]] Task<void> learn(Deadline deadline);

  /// Looks for other ids than were learnt, and learns them. A lane that does not answer in time is as it was, and so is
  /// one of another store: steps do nothing there. On a loop.
  [[nodiscard]] Async<Looked> look(std::chrono::milliseconds patience);
  /// Whether a lane that lies on this server has another id than was learnt, or is of another store. Nothing is learnt.
  [[nodiscard]] Async<bool> changed_on(redis::Ask ask);

 private:
  struct Learnt {
    Result<void> asked{};
    std::string fault{};
  };

  [[nodiscard]] Async<> ask_for_store(std::size_t lane, Deadline deadline,
                                      std::vector<Result<std::optional<Store>>>& out);
  [[nodiscard]] Async<> learn_lane(std::size_t lane, Deadline deadline, Learnt& learnt);
  [[nodiscard]] Async<> look_at(std::size_t lane, Deadline deadline, std::vector<std::size_t>& changed,
                                std::string& fault);
  [[nodiscard]] Async<> look_on(std::size_t lane, redis::Ask ask, bool& changed);
  [[nodiscard]] bool has_id(std::size_t lane, const redis::Reply& fields) const;
  [[nodiscard]] std::string fault_of(std::size_t lane, const redis::Reply& fields) const;

  redis::Client& client_;
  RedisIdentity& identity_;
};

}  // namespace parley::store
