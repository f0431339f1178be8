// The deadlines of one loop, kept by one timer however many there are.
//
// A hashed timing wheel (Varghese and Lauck 1987): arming and disarming cost a few pointers, where a timer a deadline
// costs a heap operation and, raced against its operation, microseconds.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/intrusive/list.hpp>

#include "base/clock.h"
#include "base/task.h"

namespace parley::net {

class Deadlines;

/// Something that ends at a deadline. It disarms itself when destroyed. Loop's thread only.
class DeadlineEntry
    : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  /// `on_expiry` runs on the loop, at most once for each arming, a little (one tick) after the deadline.
  explicit DeadlineEntry(std::function<void()> on_expiry) : on_expiry_(std::move(on_expiry)) {}
  DeadlineEntry(const DeadlineEntry&) = delete;
  DeadlineEntry& operator=(const DeadlineEntry&) = delete;

  void disarm() noexcept {
    if (is_linked()) unlink();
  }
  [[nodiscard]] bool armed() const noexcept { return is_linked(); }

 private:
  friend class Deadlines;
  std::function<void()> on_expiry_;
  Deadline deadline_{};
};

/// The wheel of one loop. Loop's thread only. Must outlive its entries' armings.
class Deadlines {
 public:
  static constexpr std::chrono::milliseconds kTick{10};

  Deadlines(boost::asio::io_context& io, const SteadyClock& clock);
  ~Deadlines();

  /// Arms `entry` (anew, if it is armed) for `deadline`. kNoDeadline disarms it.
  void arm(DeadlineEntry& entry, Deadline deadline);

  /// The clock was turned: ends what has expired by that.
  void advance();

 private:
  using Slot = boost::intrusive::list<DeadlineEntry, boost::intrusive::constant_time_size<false>>;
  using Timer = boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                                  boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;
  static constexpr std::size_t kSlots = 512;

  [[nodiscard]] std::size_t tick_of(Deadline deadline) const noexcept;
  void start();
  void sweep(Slot& slot, Deadline now);
  [[nodiscard]] bool empty() const noexcept;

  const SteadyClock& clock_;
  Timer timer_;
  Deadline epoch_;             // when tick 0 began
  std::size_t next_tick_ = 0;  // the first tick that has not been swept
  bool running_ = false;
  std::array<Slot, kSlots> slots_;
};

}  // namespace parley::net
