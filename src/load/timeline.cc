#include "load/timeline.h"

#include <algorithm>

namespace parley::load {

std::size_t Timeline::number_of(Clock::time_point now) const {
  return now < begin_ ? 0 : static_cast<std::size_t>((now - begin_) / std::chrono::seconds(1));
}

Second Timeline::current() const {
  return {.number = over_.size(),
          .requests = histogram_.count(),
          .errors = errors_,
          .p50 = histogram_.at(0.5),
          .p99 = histogram_.at(0.99),
          .max = histogram_.max()};
}

void Timeline::move_on(std::size_t number) {
  while (over_.size() < number) {
    over_.push_back(current());
    if (histogram_.count() > 0) histogram_.clear();
    errors_ = 0;
  }
}

void Timeline::record(Clock::time_point now, LatencyHistogram::Duration latency, bool good) {
  const std::scoped_lock lock(mutex_);
  move_on(number_of(now));
  histogram_.record(latency);
  last_ = std::max(last_, now);
  if (!good) ++errors_;
}

std::vector<Second> Timeline::seconds(bool all) {
  const std::scoped_lock lock(mutex_);
  if (!all) move_on(number_of(Clock::now()));
  std::vector<Second> out = over_;
  if (all && histogram_.count() > 0) out.push_back(current());
  return out;
}

double Timeline::length() {
  const std::scoped_lock lock(mutex_);
  return std::chrono::duration<double>(last_ - begin_).count();
}

}  // namespace parley::load
