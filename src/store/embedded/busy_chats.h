// Where RocksDB inserts a record without a search.
#pragma once

#include <bitset>
#include <cstddef>
#include <functional>
#include <string_view>

#include <rocksdb/slice.h>
#include <rocksdb/slice_transform.h>

#include "store/embedded/keys.h"

namespace parley::store {

/// Tells RocksDB what is inserted next to each other into "default": the records of one chat, and the last times of the
/// store. So a busy chat's next record needs no search in the write buffer. What RocksDB remembers for that costs more
/// than a search, and 250 bytes a chat. A chat that may never be written to again does not get it.
///
/// Of whoever writes, alone: RocksDB asks while it inserts.
class BusyChats final : public rocksdb::SliceTransform {
 public:
  /// The chat's records are inserted by a search, until the next forget(). Those of some other chats are, too.
  void search_for(std::string_view chat) noexcept {
    searched_.set(place_of(chat));
    any_ = true;
  }
  void forget() noexcept {
    if (any_) searched_.reset();
    any_ = false;
  }

  const char* Name() const override { return "parley.busy"; }
  rocksdb::Slice Transform(const rocksdb::Slice& key) const override {
    return ChatPrefix().InDomain(key) ? ChatPrefix().Transform(key) : key;
  }
  bool InDomain(const rocksdb::Slice& key) const override {
    if (!ChatPrefix().InDomain(key)) return key == to_slice(kLastTimeKey);
    return !any_ || !searched_.test(place_of(chat_in(to_view(key))));
  }

 private:
  static constexpr std::size_t kPlaces = 8192;  // some times as many as a batch has chats

  [[nodiscard]] static std::size_t place_of(std::string_view chat) noexcept {
    return std::hash<std::string_view>{}(chat) % kPlaces;
  }

  std::bitset<kPlaces> searched_;
  bool any_ = false;
};

}  // namespace parley::store
