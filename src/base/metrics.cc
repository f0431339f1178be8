#include "base/metrics.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <dirent.h>
#include <fstream>
#include <iterator>
#include <unistd.h>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>

namespace parley {
namespace {

std::vector<prometheus::ClientMetric::Label> to_labels(const Labels& labels) {
  std::vector<prometheus::ClientMetric::Label> out;
  out.reserve(labels.size());
  for (const auto& [name, value] : labels) out.push_back({name, value});
  return out;
}

/// `set` sets the value of a metric to that of a sample.
template <class Value, class Set>
prometheus::MetricFamily family(std::string name, std::string help, prometheus::MetricType type,
                                const std::vector<std::pair<Labels, Value>>& samples, Set set) {
  prometheus::MetricFamily out;
  out.name = std::move(name);
  out.help = std::move(help);
  out.type = type;
  for (const auto& [labels, value] : samples) {
    prometheus::ClientMetric& metric = out.metric.emplace_back();
    metric.label = to_labels(labels);
    set(metric, value);
  }
  return out;
}

/// The format wants a family in one piece, but several listeners have the same ones.
void merge(std::vector<prometheus::MetricFamily>& families, prometheus::MetricFamily one) {
  const auto same = std::ranges::find(families, one.name, &prometheus::MetricFamily::name);
  if (same == families.end()) {
    families.push_back(std::move(one));
  } else {
    std::ranges::move(one.metric, std::back_inserter(same->metric));
  }
}

double open_descriptors() {
  DIR* dir = opendir("/proc/self/fd");
  if (dir == nullptr) return 0;
  double count = -3;  // ".", ".." and the descriptor of this very listing
  while (readdir(dir) != nullptr) ++count;
  closedir(dir);
  return count;
}

/// When the program was loaded.
const std::chrono::system_clock::time_point program_loaded = std::chrono::system_clock::now();

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

}  // namespace

void Histogram::observe(std::uint64_t value) noexcept {
  const std::size_t bucket = value <= 1 ? 0 : static_cast<std::size_t>(std::bit_width(value - 1));
  counts_[std::min(bucket, kBuckets - 1)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

void Histogram::add_to(Snapshot& total) const noexcept {
  for (std::size_t i = 0; i < kBuckets; ++i) total.counts[i] += counts_[i].load(std::memory_order_relaxed);
  total.sum += sum_.load(std::memory_order_relaxed);
}

prometheus::MetricFamily counter_family(std::string name, std::string help,
                                        const std::vector<std::pair<Labels, double>>& samples) {
  return family(std::move(name), std::move(help), prometheus::MetricType::Counter, samples,
                [](prometheus::ClientMetric& metric, double value) { metric.counter.value = value; });
}

prometheus::MetricFamily gauge_family(std::string name, std::string help,
                                      const std::vector<std::pair<Labels, double>>& samples) {
  return family(std::move(name), std::move(help), prometheus::MetricType::Gauge, samples,
                [](prometheus::ClientMetric& metric, double value) { metric.gauge.value = value; });
}

prometheus::MetricFamily histogram_family(std::string name, std::string help, double unit,
                                          const std::vector<std::pair<Labels, Histogram::Snapshot>>& samples) {
  const auto set = [unit](prometheus::ClientMetric& metric, const Histogram::Snapshot& snapshot) {
    std::uint64_t count = 0;
    for (std::size_t i = 0; i + 1 < Histogram::kBuckets; ++i) {
      count += snapshot.counts[i];
      metric.histogram.bucket.push_back({count, static_cast<double>(std::uint64_t{1} << i) * unit});
    }
    metric.histogram.sample_count = count + snapshot.counts.back();
    metric.histogram.sample_sum = static_cast<double>(snapshot.sum) * unit;
  };
  return family(std::move(name), std::move(help), prometheus::MetricType::Histogram, samples, set);
}

void MetricsRegistry::add(Collector collect) {
  const std::scoped_lock lock(mutex_);
  collectors_.push_back(std::move(collect));
}

std::string MetricsRegistry::text() const {
  const std::scoped_lock lock(mutex_);
  std::vector<prometheus::MetricFamily> families;
  for (const Collector& collect : collectors_) {
    for (prometheus::MetricFamily& one : collect()) merge(families, std::move(one));
  }
  return prometheus::TextSerializer().Serialize(families);
}

std::vector<prometheus::MetricFamily> collect_process() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  double virtual_pages = 0;
  double resident_pages = 0;
  std::ifstream("/proc/self/statm") >> virtual_pages >> resident_pages;
  const auto page = static_cast<double>(sysconf(_SC_PAGESIZE));
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const auto gauge = [](std::string name, std::string help, double value) {
    return gauge_family(std::move(name), std::move(help), {{Labels{}, value}});
  };
  return {
      counter_family("process_cpu_seconds_total", "User and system CPU time spent, in seconds",
                     {{Labels{}, seconds(usage.ru_utime) + seconds(usage.ru_stime)}}),
      gauge("process_start_time_seconds", "When the process started, in seconds since 1970",
            std::chrono::duration<double>(program_loaded.time_since_epoch()).count()),
      gauge("process_virtual_memory_bytes", "Virtual memory size in bytes", virtual_pages * page),
      gauge("process_resident_memory_bytes", "Resident memory size in bytes", resident_pages * page),
      gauge("process_open_fds", "Open file descriptors", open_descriptors()),
      gauge("process_max_fds", "Limit of open file descriptors", static_cast<double>(limit.rlim_cur)),
  };
}

}  // namespace parley
