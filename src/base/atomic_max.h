// A maximum that several threads keep.
#pragma once

#include <atomic>

namespace parley {

/// Makes `kept` at least `value`. Any thread.
template <class T>
void raise_to(std::atomic<T>& kept, T value, std::memory_order order = std::memory_order_relaxed) noexcept {
  T seen = kept.load(std::memory_order_relaxed);
  while (value > seen && !kept.compare_exchange_weak(seen, value, order, std::memory_order_relaxed)) {
  }
}

}  // namespace parley
