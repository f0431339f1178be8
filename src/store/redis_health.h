// Whether Redis is set up so that it may be written to.
#pragma once

#include <atomic>
#include <mutex>
#include <string>

namespace parley::store {

/// Follows the servers' settings: what an operator puts right makes it healthy again. Any thread.
class RedisHealth {
 public:
  [[nodiscard]] bool fit() const noexcept { return fit_.load(std::memory_order_acquire); }

  /// What is wrong, or empty.
  [[nodiscard]] std::string fault() const {
    const std::scoped_lock lock(mutex_);
    return fault_;
  }

  /// Whether that is news.
  bool set(const std::string& fault) {
    const std::scoped_lock lock(mutex_);
    if (fault == fault_) return false;
    fault_ = fault;
    fit_.store(fault.empty(), std::memory_order_release);
    return true;
  }

 private:
  std::atomic<bool> fit_{true};
  mutable std::mutex mutex_;
  std::string fault_;
};

}  // namespace parley::store
