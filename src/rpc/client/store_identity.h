// The one store that all nodes must share, and how durable it is.
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace parley::rpc {

/// Which store the nodes stand on. Nodes over two stores at once would scatter a chat, so only those over the store
/// that was found first are used. When every node that can be reached names another store, that one takes its place: an
/// operator has replaced it. An empty id is a foreign server's, which knows no keys: beside a node that does, a send
/// would be stored twice when it is repeated, so neither kind ever takes the place of the other. Any thread.
class StoreIdentity {
 public:
  /// How long the word of a connection counts after its end: a node that is away for a moment still has its store.
  static constexpr std::chrono::seconds kRemembered{1};

  class Voice;

  /// The id; empty while no node was accepted, or if they are foreign servers.
  [[nodiscard]] std::string id() const;
  /// Whether the nodes are foreign servers. False while no node was accepted.
  [[nodiscard]] bool is_foreign() const;

  /// Notes what a node says it promises by an acknowledgement ("fsync", "os", "memory"; others are of no consequence),
  /// and by how much its wall clock is ahead of ours.
  void note(std::string_view durability, std::chrono::microseconds clock_offset);
  /// The least that any node of this store has promised; empty while none has said.
  [[nodiscard]] std::string durability() const;
  /// By how much the clock of the node that was noted last is ahead of ours.
  [[nodiscard]] std::chrono::microseconds clock_offset() const;

  /// Why a node is refused; empty while none is.
  [[nodiscard]] std::string conflict(Deadline now) const;

 private:
  struct Word {
    std::optional<std::string> id;    // what was heard last; none: nothing yet
    std::optional<Deadline> ended{};  // when the connection ended; none: it is there
  };

  [[nodiscard]] static bool counts(const Word& word, Deadline now);

  mutable std::mutex mutex_;
  std::optional<std::string> id_;
  std::list<Word> words_;                  // one for each voice
  std::optional<std::ptrdiff_t> weakest_;  // a place in the list of durabilities
  std::chrono::microseconds clock_offset_{0};
};

/// What one loop hears from one node. One thread; the identity outlives it.
class StoreIdentity::Voice {
 public:
  explicit Voice(StoreIdentity& identity);
  ~Voice();
  Voice(const Voice&) = delete;
  Voice& operator=(const Voice&) = delete;

  /// The node says that it is over the store of this id. Whether it may be used.
  [[nodiscard]] bool says(const std::string& id, Deadline now);
  /// The connection to the node ended, or the node can serve nothing.
  void ends(Deadline now);

 private:
  StoreIdentity& identity_;
  std::list<Word>::iterator word_;
};

}  // namespace parley::rpc
