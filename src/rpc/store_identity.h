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

/// The id of the first node's store; for good, since another store would scatter a chat. An empty id is a foreign
/// server's, which knows no keys: beside a node that does, a send would be stored twice when it is repeated. Any
/// thread.
class StoreIdentity {
 public:
  /// Whether a node over the store of this id may be used.
  [[nodiscard]] bool accept(const std::string& id) {
    const std::scoped_lock lock(mutex_);
    if (!id_) id_ = id;
    if (id == *id_) return true;
    conflict_ = id.empty() || id_->empty() ? "some nodes have a store id and some, foreign servers, have none"
                                           : "the nodes do not share one store";
    return false;
  }

  /// The id; empty while no node was accepted, or where foreign servers were.
  [[nodiscard]] std::string id() const {
    const std::scoped_lock lock(mutex_);
    return id_.value_or("");
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

  /// Why a node was refused; empty while none was.
  [[nodiscard]] std::string conflict() const {
    const std::scoped_lock lock(mutex_);
    return conflict_;
  }

 private:
  static constexpr std::array<std::string_view, 3> kDurabilities{"memory", "os", "fsync"};

  mutable std::mutex mutex_;
  std::optional<std::string> id_;
  std::optional<std::ptrdiff_t> weakest_;  // a place in kDurabilities
  std::chrono::microseconds clock_offset_{0};
  std::string conflict_;
};

}  // namespace parley::rpc
