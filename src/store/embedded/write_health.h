// Whether the store may still be written to.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <string_view>

#include "base/error.h"

namespace parley::store {

/// Healthy until the first failure, and never again after it: the page cache can no longer be trusted. Any thread.
class WriteHealth {
 public:
  [[nodiscard]] bool failed() const noexcept { return failed_.load(std::memory_order_acquire); }

  /// Why, or empty. The first failure counts.
  [[nodiscard]] std::string reason() const {
    const std::scoped_lock lock(mutex_);
    return reason_;
  }

  /// What a send is told after it. Why is for the server's log and /readyz: it names files of the server's.
  [[nodiscard]] static Error refusal() {
    return {ErrorCode::kUnavailable, "the store takes no writes: the server's log says why"};
  }

  /// Whether this was the first.
  bool fail(std::string_view reason) {
    const std::scoped_lock lock(mutex_);
    if (failed()) return false;
    reason_ = reason;
    failed_.store(true, std::memory_order_release);
    return true;
  }

 private:
  std::atomic<bool> failed_{false};
  mutable std::mutex mutex_;
  std::string reason_;
};

}  // namespace parley::store
