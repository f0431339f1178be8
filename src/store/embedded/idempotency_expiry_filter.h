// Drops idempotency keys whose window has passed, whenever RocksDB compacts them anyway.
#pragma once

#include <chrono>
#include <memory>
#include <utility>

#include <rocksdb/compaction_filter.h>

#include "base/clock.h"
#include "store/embedded/keys.h"

namespace parley::store {

class IdempotencyExpiryFilter final : public rocksdb::CompactionFilter {
 public:
  IdempotencyExpiryFilter(std::chrono::microseconds window, std::int64_t now) : window_(window), now_(now) {}

  const char* Name() const override { return "parley.idempotency_expiry"; }
  bool Filter(int, const rocksdb::Slice&, const rocksdb::Slice& value, std::string*, bool*) const override {
    const auto record = decode_idempotency(to_view(value));
    return record && idempotency_expired(record->send_time, window_, now_);
  }

 private:
  std::chrono::microseconds window_;
  std::int64_t now_;
};

/// One reading of the clock for each compaction.
class IdempotencyExpiryFilterFactory final : public rocksdb::CompactionFilterFactory {
 public:
  IdempotencyExpiryFilterFactory(std::chrono::microseconds window, WallClock clock)
      : window_(window), clock_(std::move(clock)) {}

  const char* Name() const override { return "parley.idempotency_expiry"; }
  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(
      const rocksdb::CompactionFilter::Context&) override {
    return std::make_unique<IdempotencyExpiryFilter>(window_, clock_());
  }

 private:
  std::chrono::microseconds window_;
  WallClock clock_;
};

}  // namespace parley::store
