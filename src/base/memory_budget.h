// One bound on the memory that requests and answers may hold together.
#pragma once

#include <atomic>
#include <cstddef>
#include <utility>

namespace parley {

/// Counts bytes that are held, up to a bound. Any thread. Must outlive its reservations.
class MemoryBudget {
 public:
  explicit MemoryBudget(std::size_t bytes) noexcept : limit_(bytes) {}
  MemoryBudget(const MemoryBudget&) = delete;
  MemoryBudget& operator=(const MemoryBudget&) = delete;

  [[nodiscard]] std::size_t limit() const noexcept { return limit_; }
  [[nodiscard]] std::size_t used() const noexcept { return used_.load(std::memory_order_relaxed); }

 private:
  friend class MemoryReservation;

  [[nodiscard]] bool take(std::size_t bytes) noexcept {
    const std::size_t before = used_.fetch_add(bytes, std::memory_order_relaxed);
    if (bytes <= limit_ && before <= limit_ - bytes) return true;
    give(bytes);
    return false;
  }
  void give(std::size_t bytes) noexcept { used_.fetch_sub(bytes, std::memory_order_relaxed); }

  std::size_t limit_;
  std::atomic<std::size_t> used_{0};
};

/// A share of a budget, given back when destroyed. One thread at a time.
class MemoryReservation {
 public:
  explicit MemoryReservation(MemoryBudget& budget) noexcept : budget_(&budget) {}
  MemoryReservation(MemoryReservation&& other) noexcept
      : budget_(other.budget_), bytes_(std::exchange(other.bytes_, 0)) {}
  MemoryReservation& operator=(MemoryReservation&& other) noexcept {
    if (this != &other) {
      release();
      budget_ = other.budget_;
      bytes_ = std::exchange(other.bytes_, 0);
    }
    return *this;
  }
  ~MemoryReservation() { release(); }

  /// Takes `bytes` more. If that would pass the bound, takes nothing and returns false: the answer is kOverloaded.
  [[nodiscard]] bool grow(std::size_t bytes) noexcept {
    if (!budget_->take(bytes)) return false;
    bytes_ += bytes;
    return true;
  }

  void release() noexcept {
    if (bytes_ != 0) budget_->give(std::exchange(bytes_, 0));  // all loops write what is taken
  }

 private:
  MemoryBudget* budget_;
  std::size_t bytes_ = 0;
};

}  // namespace parley
