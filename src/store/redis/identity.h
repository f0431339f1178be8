// Which store Redis holds, and whether it is still the one that this process knows.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "store/redis/lanes.h"

namespace parley::store {

/// The random id of a lane, made once. It is lost with the lane's data.
struct RedisLaneId {
  std::string id{};         ///< empty: not known yet
  std::uint64_t epoch = 0;  ///< changes with the id: what was begun under another one is of data that are lost
};
using RedisLaneIdTable = std::vector<RedisLaneId>;  ///< by lane

/// A store has a random id, made once. If Redis shows another id, or none, then its data were lost or replaced while
/// this process ran. From that moment nothing is served, and nothing is remembered of the old store. Once the new id is
/// known, it takes the place of the old one. Calls are taken again after kPause, when other processes have noticed too:
/// otherwise a gateway could write to two stores through two nodes. Any thread.
class RedisIdentity {
 public:
  /// As long as the time between two looks at Redis.
  static constexpr std::chrono::seconds kPause{2};

  /// The id of the store, from the start on.
  [[nodiscard]] std::string id() const;

  /// How many lanes the store has, from the start on: 1 to kMaxRedisLanes.
  [[nodiscard]] std::size_t lanes() const noexcept { return lanes_.load(std::memory_order_acquire); }
  void set_lanes(std::size_t lanes) noexcept { lanes_.store(lanes, std::memory_order_release); }

  /// The ids of the lanes as far as they are known, and a number that changes when they do.
  [[nodiscard]] std::shared_ptr<const RedisLaneIdTable> lane_ids() const;
  [[nodiscard]] std::uint64_t lane_ids_version() const noexcept {
    return lane_ids_version_.load(std::memory_order_acquire);
  }
  /// The lane has this id. False: that was known; else it does what forget() does, too.
  bool set_lane_id(std::size_t lane, std::string id);

  /// Whether calls may be served.
  [[nodiscard]] bool settled() const noexcept { return settled_.load(std::memory_order_acquire); }
  /// Why they may not be; empty while they may.
  [[nodiscard]] std::string fault() const;
  /// The same as what a call is answered. Ask settled() behind stores(), so that no call is taken for the new store's.
  [[nodiscard]] Error unsettled() const { return {ErrorCode::kUnavailable, fault()}; }
  /// A number that changes when another store is found. What was begun before and ends after is of neither.
  [[nodiscard]] std::uint64_t stores() const noexcept { return stores_.load(std::memory_order_acquire); }
  /// A number that changes when another store is found, or a lane's data were lost or replaced.
  [[nodiscard]] std::uint64_t losses() const noexcept { return stores() + lane_ids_version(); }
  /// A number that changes when what was remembered of the store may no longer be so.
  [[nodiscard]] std::uint64_t forgotten() const noexcept { return forgotten_.load(std::memory_order_acquire); }

  /// The store at the start.
  void begin(std::string id);
  /// Redis shows this id (empty: none), which is another one: from now on nothing is served.
  void lose(std::string_view found);
  /// The store cannot be used, for this reason. After lose().
  void refuse(std::string why);
  /// Redis holds the store of this id, which is made if `made`. After lose().
  void adopt(std::string id, bool made, Deadline now);
  /// Redis shows the known id. Ends what lose() began, kPause after adopt().
  void confirm(Deadline now);
  /// A part of Redis may have lost its data without showing it.
  void forget() noexcept { forgotten_.fetch_add(1, std::memory_order_acq_rel); }

 private:
  std::atomic<std::size_t> lanes_{1};
  std::atomic<bool> settled_{true};
  std::atomic<std::uint64_t> stores_{0};
  std::atomic<std::uint64_t> forgotten_{0};
  std::atomic<std::uint64_t> lane_ids_version_{1};
  mutable std::mutex mutex_;
  std::shared_ptr<const RedisLaneIdTable> lane_ids_ = std::make_shared<RedisLaneIdTable>(kMaxRedisLanes);
  std::string id_;
  std::string fault_;
  Deadline settles_{};
};

}  // namespace parley::store
