// Whether Redis is set up so that it may be written to.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <string>

#include "base/log_limits.h"
#include "store/redis/settings.h"

namespace parley::store {

/// Follows the settings of each server, and the format of the data: what an operator puts right makes it healthy again.
/// Any thread.
class RedisHealth {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit RedisHealth(Durability durability) : durability_(durability) {}

  [[nodiscard]] bool fit() const noexcept { return fit_.load(std::memory_order_acquire); }
  /// What is wrong with a server or the format, or empty.
  [[nodiscard]] std::string fault() const;

  /// What a server told that was asked at `asked`. One that did not tell is as it was, as is one that was asked later.
  void observe(const std::string& address, const RedisSettings& settings, Time asked);
  /// Forgets the servers that are not among `masters`, who are the masters since `asked` at the latest.
  void forget_others(const RedisSettingsOfMasters& masters, Time asked);
  /// What is wrong with the format of the data; empty: it is ours.
  void observe_format(std::string fault);

 private:
  struct Verdict {
    Time asked;
    std::string fault;
  };

  void sum_up();

  const Durability durability_;
  std::atomic<bool> fit_{true};
  mutable std::mutex mutex_;
  std::map<std::string, Verdict> verdicts_;  // by address
  std::string format_fault_;
  std::string fault_;
  StateLog log_{""};
};

}  // namespace parley::store
