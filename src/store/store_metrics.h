// What a store counts about itself.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/metrics.h"

namespace parley::store {

/// Shared by the store and the registry, which outlives it. Any thread.
struct StoreMetrics {
  Counter messages;      ///< stored
  Counter duplicates;    ///< repeats answered without storing
  Counter read_errors;   ///< reads that the engine failed
  Histogram batch_size;  ///< messages in one write
  Histogram write_us;    ///< microseconds of one write, its fsync included
  Gauge queue_depth;     ///< appends that wait for the writer
  Gauge read_depth;      ///< reads that wait for the disk

  using Families = std::vector<prometheus::MetricFamily>;

  /// What the engine says of itself when asked. clear_engine() before it goes away.
  void set_engine(std::function<Families()> engine);
  void clear_engine() { set_engine(nullptr); }

  [[nodiscard]] Families collect() const;

 private:
  mutable std::mutex mutex_;
  std::function<Families()> engine_;
};

/// Cells that `registry` shows from now on.
[[nodiscard]] std::shared_ptr<StoreMetrics> register_store_metrics(MetricsRegistry& registry);

}  // namespace parley::store
