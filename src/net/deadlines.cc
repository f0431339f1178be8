#include "net/deadlines.h"

#include <algorithm>

namespace parley::net {

Deadlines::Deadlines(boost::asio::io_context& io, const SteadyClock& clock)
    : clock_(clock), timer_(io.get_executor()), epoch_(clock.now()) {}

Deadlines::~Deadlines() {
  for (Slot& slot : slots_) slot.clear();
}

void Deadlines::arm(DeadlineEntry& entry, Deadline deadline) {
  entry.disarm();
  if (deadline == kNoDeadline) return;
  entry.deadline_ = deadline;
  // A deadline that has passed goes to the next tick, so that arming never calls back by itself.
  if (!running_) next_tick_ = tick_of(clock_.now());
  slots_[std::max(tick_of(deadline), next_tick_) % kSlots].push_back(entry);
  if (!running_) start();
}

/// Rounded up: a tick is swept when it has ended, and then everything in it has expired.
std::size_t Deadlines::tick_of(Deadline deadline) const noexcept {
  return deadline <= epoch_ ? 0 : static_cast<std::size_t>((deadline - epoch_) / kTick);
}

void Deadlines::start() {
  running_ = true;
  timer_.expires_at(epoch_ + kTick * static_cast<std::int64_t>(next_tick_ + 1) - clock_.turned());
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) advance();
  });
}

void Deadlines::advance() {
  if (!running_) return;
  const Deadline now = clock_.now();
  const std::size_t current = tick_of(now);
  // After a long stall one round of the wheel visits every slot; more would visit them twice.
  const std::size_t first = current - next_tick_ > kSlots ? current - kSlots : next_tick_;
  next_tick_ = current;
  for (std::size_t tick = first; tick < current; ++tick) sweep(slots_[tick % kSlots], now);
  if (empty()) {
    running_ = false;
  } else {
    start();
  }
}

void Deadlines::sweep(Slot& slot, Deadline now) {
  // A callback may arm, disarm or destroy any entry, this slot's too, so each is taken out before it is looked at.
  Slot pending;
  pending.swap(slot);
  while (!pending.empty()) {
    DeadlineEntry& entry = pending.front();
    pending.pop_front();
    if (entry.deadline_ > now) {
      slot.push_back(entry);  // of a later round
    } else {
      entry.on_expiry_();
    }
  }
}

bool Deadlines::empty() const noexcept {
  return std::ranges::all_of(slots_, [](const Slot& slot) { return slot.empty(); });
}

}  // namespace parley::net
