// The bell of a process: that something moved, never what.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "net/loop.h"

namespace parley::store {

/// Tells who listens that a chat has new records, or that a user's index has new rows. Whoever hears it looks at the
/// store: what rang can be seen by then. A ring may come for nothing, and several may come as one; none is lost: who
/// listens first and looks then misses nothing.
///
/// Its memory is bounded by its listeners, however often it rings.
class Bell {
 public:
  /// `loops` outlive it, and whoever listens to it.
  explicit Bell(net::LoopPool& loops);
  ~Bell();
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;

  /// Ends by being destroyed, on its loop; then nothing more is heard. It may outlive the bell.
  class Listening;
  struct ListeningEnds {
    void operator()(Listening* listening) const noexcept;
  };
  using ListeningPtr = std::unique_ptr<Listening, ListeningEnds>;

  /// Calls `heard`, on this loop, each time that the chat moved. `heard` may end listenings, its own too, and begin
  /// others. On a loop.
  [[nodiscard]] ListeningPtr listen_to_chat(std::string_view chat, std::function<void()> heard);
  /// The same for a user's index. It is silent while the chat's row need not rise, for up to kIndexGrain: whoever
  /// begins to follow a user listens to each chat with a row of at least its number − kIndexGrain, too.
  [[nodiscard]] ListeningPtr listen_to_user(std::string_view user, std::function<void()> heard);

  /// Whether a ring can be heard by anybody: one load, for whoever would have to collect names first. Ask after what
  /// moved can be seen. Any thread.
  [[nodiscard]] bool anybody_listens() const noexcept;

  /// These have moved, and can be seen: each loop is woken once at most. Any thread.
  void ring(std::span<const std::string_view> chats, std::span<const std::string_view> users);

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with the listenings, and with the loops that are being woken
};

}  // namespace parley::store
