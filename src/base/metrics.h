// Cells that the hot path writes, and the registry that /metrics reads them through.
//
// A room keeps its own cells, one set a loop where many loops would contend, and registers a function that turns them
// into Prometheus families when somebody asks.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace prometheus {
struct MetricFamily;
}

namespace parley {

/// Only ever rises. Any thread.
class Counter {
 public:
  void add(std::uint64_t n = 1) noexcept { value_.fetch_add(n, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// Rises and falls. Any thread.
class Gauge {
 public:
  void add(std::int64_t n) noexcept { value_.fetch_add(n, std::memory_order_relaxed); }
  void set(std::int64_t n) noexcept { value_.store(n, std::memory_order_relaxed); }
  [[nodiscard]] std::int64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

/// Counts in powers of two: bucket i holds values up to 2^i (of whatever unit the owner chose). Any thread.
class Histogram {
 public:
  static constexpr std::size_t kBuckets = 26;

  void observe(std::uint64_t value) noexcept;

  struct Snapshot {
    std::array<std::uint64_t, kBuckets> counts{};  ///< not cumulative; the last also holds all larger values
    std::uint64_t sum = 0;
  };
  /// Adds this cell's counts to `total`, so that the cells of several loops become one histogram.
  void add_to(Snapshot& total) const noexcept;

 private:
  std::array<std::atomic<std::uint64_t>, kBuckets> counts_{};
  std::atomic<std::uint64_t> sum_{0};
};

using Labels = std::vector<std::pair<std::string, std::string>>;

// Families for a collector to return. Names are Prometheus' own: `parley_…_total` for counters, base units (seconds).
[[nodiscard]] prometheus::MetricFamily counter_family(std::string name, std::string help,
                                                      const std::vector<std::pair<Labels, double>>& samples);
[[nodiscard]] prometheus::MetricFamily gauge_family(std::string name, std::string help,
                                                    const std::vector<std::pair<Labels, double>>& samples);
/// `unit` turns the cells' numbers into the family's base unit: 1e-6 for cells in microseconds and a family in seconds.
[[nodiscard]] prometheus::MetricFamily histogram_family(
    std::string name, std::string help, double unit,
    const std::vector<std::pair<Labels, Histogram::Snapshot>>& samples);

/// Who has metrics to show.
class MetricsRegistry {
 public:
  using Collector = std::function<std::vector<prometheus::MetricFamily>()>;

  /// `collect` is called from the thread that asks for text(), until the registry goes away. Any thread.
  void add(Collector collect);

  /// Everything, in Prometheus' text format 0.0.4. Any thread.
  [[nodiscard]] std::string text() const;

 private:
  mutable std::mutex mutex_;
  std::vector<Collector> collectors_;
};

/// What the process itself uses, under the names of Prometheus' own client libraries (process_resident_memory_bytes …).
[[nodiscard]] std::vector<prometheus::MetricFamily> collect_process();

}  // namespace parley
