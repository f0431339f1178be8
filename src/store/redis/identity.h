// Which store Redis holds, and whether it is still the one that this process knows.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"

namespace parley::store {

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

  /// Whether calls may be served.
  [[nodiscard]] bool settled() const noexcept { return settled_.load(std::memory_order_acquire); }
  /// Why they may not be; empty while they may.
  [[nodiscard]] std::string fault() const;
  /// The same as what a call is answered. Ask settled() behind stores(), so that no call is taken for the new store's.
  [[nodiscard]] Error unsettled() const { return {ErrorCode::kUnavailable, fault()}; }
  /// A number that changes when another store is found. What was begun before and ends after is of neither.
  [[nodiscard]] std::uint64_t stores() const noexcept { return stores_.load(std::memory_order_acquire); }
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
  std::atomic<bool> settled_{true};
  std::atomic<std::uint64_t> stores_{0};
  std::atomic<std::uint64_t> forgotten_{0};
  mutable std::mutex mutex_;
  std::string id_;
  std::string fault_;
  Deadline settles_{};
};

}  // namespace parley::store
