#include "store/store_metrics.h"

#include <utility>

#include <prometheus/metric_family.h>

namespace parley::store {
namespace {

Histogram::Snapshot snapshot(const Histogram& histogram) {
  Histogram::Snapshot out;
  histogram.add_to(out);
  return out;
}

}  // namespace

void StoreMetrics::set_engine(std::function<Families()> engine) {
  const std::scoped_lock lock(mutex_);
  engine_ = std::move(engine);
}

StoreMetrics::Families StoreMetrics::collect() const {
  const auto count = [](const auto& cell) {
    return std::vector{std::pair{Labels{}, static_cast<double>(cell.value())}};
  };
  Families out;
  out.push_back(counter_family("parley_store_messages_total", "Messages stored", count(messages)));
  out.push_back(
      counter_family("parley_store_duplicates_total", "Repeated sends answered without storing", count(duplicates)));
  out.push_back(counter_family("parley_store_read_errors_total", "Reads that the disk or damage in it failed",
                               count(read_errors)));
  out.push_back(
      histogram_family("parley_store_batch_messages", "Messages in one write", 1, {{Labels{}, snapshot(batch_size)}}));
  out.push_back(histogram_family("parley_store_write_sync_seconds", "Duration of one write, its fsync included", 1e-6,
                                 {{Labels{}, snapshot(write_us)}}));
  out.push_back(gauge_family("parley_store_queue_messages", "Sends that wait for the writer", count(queue_depth)));
  out.push_back(gauge_family("parley_store_reads_waiting", "Reads that wait for the disk", count(read_depth)));
  const std::scoped_lock lock(mutex_);
  if (engine_) {
    for (prometheus::MetricFamily& family : engine_()) out.push_back(std::move(family));
  }
  return out;
}

std::shared_ptr<StoreMetrics> register_store_metrics(MetricsRegistry& registry) {
  auto metrics = std::make_shared<StoreMetrics>();
  registry.add([metrics] { return metrics->collect(); });
  return metrics;
}

}  // namespace parley::store
