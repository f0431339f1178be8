// Drops places in an index's order that were left behind, whenever RocksDB compacts them anyway.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <boost/unordered/unordered_flat_set.hpp>
#include <rocksdb/compaction_filter.h>

#include "base/name_hash.h"
#include "store/embedded/keys.h"

namespace parley::store {

/// A chat's places in the index of a user come newest first. Where a newer one is, no older one counts, nor ever will.
///
/// RocksDB drops them under the eyes of snapshots, too. With a snapshot from before the newer place, a reader may find
/// neither. But then `compactions`, which counts those that dropped something, has risen since the snapshot was taken:
/// it rises before RocksDB shows readers what a compaction wrote.
class LeftPlacesFilter final : public rocksdb::CompactionFilter {
 public:
  explicit LeftPlacesFilter(std::atomic<std::uint64_t>& compactions) : compactions_(compactions) {}
  ~LeftPlacesFilter() override {
    if (dropped_) compactions_.fetch_add(1, std::memory_order_acq_rel);
  }
  LeftPlacesFilter(const LeftPlacesFilter&) = delete;
  LeftPlacesFilter& operator=(const LeftPlacesFilter&) = delete;

  const char* Name() const override { return "parley.left_places"; }
  bool Filter(int, const rocksdb::Slice& key, const rocksdb::Slice&, std::string*, bool*) const override {
    const std::string_view place = to_view(key);
    if (!is_index_order(place)) return false;
    const std::size_t prefix = place.find('\0') + 1;
    const std::string_view chat = place.substr(prefix + kTimeBytes);
    if (place.substr(0, prefix) != user_) {
      user_ = place.substr(0, prefix);
      seen_.clear();
    }
    if (seen_.contains(chat)) return dropped_ = true;
    if (seen_.size() < kMaxSeen) seen_.emplace(chat);
    return false;
  }

 private:
  static constexpr std::size_t kMaxSeen = 16'384;  // chats of a user; of the others all places are kept

  std::atomic<std::uint64_t>& compactions_;
  // One thread's, although RocksDB calls a const function:
  mutable bool dropped_ = false;
  mutable std::string user_;  // with what ends the name
  mutable boost::unordered_flat_set<std::string, NameHash, std::equal_to<>> seen_;
};

class LeftPlacesFilterFactory final : public rocksdb::CompactionFilterFactory {
 public:
  /// `compactions` must outlive it.
  explicit LeftPlacesFilterFactory(std::atomic<std::uint64_t>& compactions) : compactions_(compactions) {}

  const char* Name() const override { return "parley.left_places"; }
  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(
      const rocksdb::CompactionFilter::Context&) override {
    return std::make_unique<LeftPlacesFilter>(compactions_);
  }

 private:
  std::atomic<std::uint64_t>& compactions_;
};

}  // namespace parley::store
