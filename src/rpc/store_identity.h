// The one store that all nodes must share.
#pragma once

#include <mutex>
#include <string>

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

  /// Whether a node was ever refused.
  [[nodiscard]] bool conflict() const {
    const std::scoped_lock lock(mutex_);
    return conflict_;
  }

 private:
  mutable std::mutex mutex_;
  std::string id_;
  bool conflict_ = false;
};

}  // namespace parley::rpc
