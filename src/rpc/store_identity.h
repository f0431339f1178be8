// The one store that all nodes must share, and how durable it is.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace parley::rpc {

/// The id of the first store that a node named; for good, since another store would scatter a chat. Any thread.
class StoreIdentity {
 public:
  /// Whether a node over the store of this id may be used. An empty id, a foreign server's, always may.
  [[nodiscard]] bool accept(const std::string& id) {
    const std::scoped_lock lock(mutex_);
    if (id.empty() || id == id_) return true;
    if (!id_.empty()) {
      conflict_ = true;
      return false;
    }
    id_ = id;
    return true;
  }

  /// The id; empty while no node has named one.
  [[nodiscard]] std::string id() const {
    const std::scoped_lock lock(mutex_);
    return id_;
  }

  /// Notes what a node says it promises by an acknowledgement ("fsync", "os", "memory"; others are of no consequence),
  /// and by how much its wall clock is ahead of ours.
  void note(std::string_view durability, std::chrono::microseconds clock_offset) {
    const auto rank = std::ranges::find(kDurabilities, durability) - kDurabilities.begin();
    const std::scoped_lock lock(mutex_);
    clock_offset_ = clock_offset;
    if (rank < std::ssize(kDurabilities) && (!weakest_ || rank < *weakest_)) weakest_ = rank;
  }

  /// The least that any node has promised; empty while none has said.
  [[nodiscard]] std::string durability() const {
    const std::scoped_lock lock(mutex_);
    return weakest_ ? std::string(kDurabilities.at(static_cast<std::size_t>(*weakest_))) : std::string();
  }

  /// By how much the clock of the node that was noted last is ahead of ours.
  [[nodiscard]] std::chrono::microseconds clock_offset() const {
    const std::scoped_lock lock(mutex_);
    return clock_offset_;
  }

  /// Whether a node was ever refused.
  [[nodiscard]] bool conflict() const {
    const std::scoped_lock lock(mutex_);
    return conflict_;
  }

 private:
  static constexpr std::array<std::string_view, 3> kDurabilities{"memory", "os", "fsync"};

  mutable std::mutex mutex_;
  std::string id_;
  std::optional<std::ptrdiff_t> weakest_;  // a place in kDurabilities
  std::chrono::microseconds clock_offset_{0};
  bool conflict_ = false;
};

}  // namespace parley::rpc
