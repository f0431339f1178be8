// What each second of a run was like, for the progress line, the csv file and the plot.
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "load/histogram.h"
#include "load/plan.h"

namespace parley::load {

/// One second's answers.
struct Second {
  std::size_t number = 0;  ///< from the begin of what is measured, from 0
  std::uint64_t requests = 0;
  std::uint64_t errors = 0;
  LatencyHistogram::Duration p50{0};
  LatencyHistogram::Duration p99{0};
  LatencyHistogram::Duration max{0};
};

/// Any thread.
class Timeline {
 public:
  explicit Timeline(Clock::time_point begin) : begin_(begin), last_(begin) {}

  void record(Clock::time_point now, LatencyHistogram::Duration latency, bool good);
  /// The seconds that are over, and with `all` also the one that goes on. One without an answer is all zeros.
  [[nodiscard]] std::vector<Second> seconds(bool all);
  /// Seconds from the begin to the last answer.
  [[nodiscard]] double length();

 private:
  [[nodiscard]] std::size_t number_of(Clock::time_point now) const;
  [[nodiscard]] Second current() const;
  void move_on(std::size_t number);

  const Clock::time_point begin_;
  std::mutex mutex_;
  Clock::time_point last_;
  std::vector<Second> over_;  // number i at i
  LatencyHistogram histogram_;
  std::uint64_t errors_ = 0;
};

}  // namespace parley::load
