// When the next request is due.
#pragma once

#include <cstdint>
#include <optional>
#include <random>

#include "load/plan.h"

namespace parley::load {

/// The requests of one worker, one after the other. With a rate they come as strangers would: at random, independent of
/// each other and of the server (a Poisson process). Without, one is due whenever a connection asks. One thread.
class Arrivals {
 public:
  /// Up to `most` requests, due from `begin` to before `end`.
  Arrivals(double rate, std::uint64_t most, Clock::time_point begin, Clock::time_point end, std::uint32_t seed)
      : gap_(rate > 0 ? rate : 1), left_(most), next_(begin), end_(end), open_(rate > 0), random_(seed) {
    if (open_) step();
  }

  /// When the next request is due, maybe already in the past; nothing when there are no more.
  [[nodiscard]] std::optional<Clock::time_point> take(Clock::time_point now) {
    if (!open_) next_ = now;
    if (left_ == 0 || next_ >= end_) return std::nullopt;
    --left_;
    const Clock::time_point due = next_;
    if (open_) step();
    return due;
  }

  /// No more, however many are due already.
  void stop() { left_ = 0; }

 private:
  void step() { next_ += std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(gap_(random_))); }

  std::exponential_distribution<double> gap_;
  std::uint64_t left_;
  Clock::time_point next_;
  Clock::time_point end_;
  bool open_;
  std::mt19937_64 random_;
};

}  // namespace parley::load
