#include "store/redis/health.h"

#include <utility>

#include "base/log.h"

namespace parley::store {

std::string RedisHealth::fault() const {
  const std::scoped_lock lock(mutex_);
  return fault_;
}

void RedisHealth::observe(const std::string& address, const RedisSettings& settings, Time asked) {
  if (!settings.known) return;
  const std::scoped_lock lock(mutex_);
  Verdict& verdict = verdicts_[address];
  if (asked < verdict.asked) return;
  const auto wrong = unfit_redis_settings(settings, durability_);
  verdict = {asked, wrong.empty() ? std::string() : wrong.front().what};
  sum_up();
}

void RedisHealth::forget_others(const RedisSettingsOfMasters& masters, Time asked) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(verdicts_,
                [&](const auto& entry) { return entry.second.asked < asked && !masters.contains(entry.first); });
  sum_up();
}

void RedisHealth::observe_format(std::string fault) {
  const std::scoped_lock lock(mutex_);
  if (fault == format_fault_) return;
  format_fault_ = std::move(fault);
  sum_up();
}

void RedisHealth::sum_up() {
  std::string fault = format_fault_;
  for (const auto& [address, verdict] : verdicts_) {
    if (!verdict.fault.empty()) fault = address + ": " + verdict.fault;
  }
  fault_ = fault;
  fit_.store(fault.empty(), std::memory_order_release);
  if (fault.empty()) {
    if (log_.may_log_change("")) log_info("the store takes sends again");
  } else if (log_.may_log(fault)) {
    log_error("the store takes no sends", {{"why", fault}});
  }
}

}  // namespace parley::store
