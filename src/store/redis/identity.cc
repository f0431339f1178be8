#include "store/redis/identity.h"

#include <utility>

#include <fmt/format.h>

#include "base/log.h"
#include "base/quote.h"

namespace parley::store {

std::string RedisIdentity::id() const {
  const std::scoped_lock lock(mutex_);
  return id_;
}

std::string RedisIdentity::fault() const {
  const std::scoped_lock lock(mutex_);
  return fault_;
}

std::shared_ptr<const RedisLaneIdTable> RedisIdentity::lane_ids() const {
  const std::scoped_lock lock(mutex_);
  return lane_ids_;
}

bool RedisIdentity::set_lane_id(std::size_t lane, std::string id) {
  const std::scoped_lock lock(mutex_);
  if ((*lane_ids_)[lane].id == id) return false;
  forget();  // before: whoever knows of the new id must not go by what was remembered under the old one
  auto now = std::make_shared<RedisLaneIdTable>(*lane_ids_);
  (*now)[lane] = {.id = std::move(id), .epoch = lane_ids_version_.load(std::memory_order_relaxed) + 1};
  lane_ids_ = std::move(now);
  lane_ids_version_.fetch_add(1, std::memory_order_acq_rel);
  return true;
}

void RedisIdentity::begin(std::string id) {
  const std::scoped_lock lock(mutex_);
  id_ = std::move(id);
}

void RedisIdentity::lose(std::string_view found) {
  const std::scoped_lock lock(mutex_);
  if (!std::exchange(fault_,
                     fmt::format("Redis {}: its data were lost or replaced. The store was {}",
                                 found.empty() ? "holds no store id" : "shows the store id " + quote(found), id_))
           .empty()) {
    return;
  }
  settled_.store(false, std::memory_order_release);
  stores_.fetch_add(1, std::memory_order_acq_rel);
  forget();
  log_error("Redis lost or replaced the data of the store. The server answers no calls until that is settled",
            {{"store", id_}, {"found", found.empty() ? "none" : found}});
}

void RedisIdentity::refuse(std::string why) {
  const std::scoped_lock lock(mutex_);
  fault_ = std::move(why);
}

void RedisIdentity::adopt(std::string id, bool made, Deadline now) {
  const std::scoped_lock lock(mutex_);
  forget();
  log_error(
      made
          ? "Redis was empty, so the server began a new store there. The messages that it acknowledged before are gone"
          : "Redis holds another store, and the server uses that from now on. What it acknowledged before is not there",
      {{"before", id_}, {"now", id}});
  fault_ = fmt::format("Redis holds another store: {}, and before {}. The server takes calls again within {} s", id,
                       id_, kPause.count());
  id_ = std::move(id);
  settles_ = now + kPause;
}

void RedisIdentity::confirm(Deadline now) {
  const std::scoped_lock lock(mutex_);
  if (fault_.empty() || now < settles_) return;
  fault_.clear();
  forget();
  settled_.store(true, std::memory_order_release);
  log_info("Redis holds the store, and the server takes calls again", {{"store", id_}});
}

}  // namespace parley::store
