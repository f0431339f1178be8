// What a loop remembers of the chats that it had to do with last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

namespace parley::store {

/// Hints that spare questions to the server; to have forgotten one costs a question and nothing else. The chats that
/// were used longest ago are forgotten first. One thread.
class RecentChats {
 public:
  /// Takes about `bytes` of memory at most, but has room for one chat at least.
  explicit RecentChats(std::size_t bytes) : room_(bytes) {}
  RecentChats(const RecentChats&) = delete;
  RecentChats& operator=(const RecentChats&) = delete;

  /// The time to try for the chat's next message, above every time that was tried or seen before: next_send_time().
  [[nodiscard]] std::optional<std::int64_t> next_time(const std::string& chat, std::int64_t now);

  /// There is a message of this time in the chat.
  void saw(const std::string& chat, std::int64_t time);

  /// Forgets which chats have messages: the server may be another one. Times stay, and later ones are above them.
  void forget_messages() noexcept { ++age_; }

  /// Whether a message was seen in the chat.
  [[nodiscard]] bool has_messages(const std::string& chat) const;

  [[nodiscard]] std::size_t size() const noexcept { return chats_.size(); }

 private:
  struct Chat {
    std::string name;
    std::int64_t last_time = 0;
    std::uint64_t seen_at = 0;  // the age_ at which a message was seen last
  };

  [[nodiscard]] Chat& use(const std::string& name);
  [[nodiscard]] static std::size_t cost(const std::string& name) noexcept;

  using Chats = std::list<Chat>;

  std::uint64_t age_ = 1;
  std::size_t room_;                                                      // bytes that are left
  Chats chats_;                                                           // the one that was used last comes first
  boost::unordered_flat_map<std::string_view, Chats::iterator> by_name_;  // into the names of chats_
};

/// One for each loop, which alone uses it.
using RecentChatsOfLoops = std::vector<std::unique_ptr<RecentChats>>;

}  // namespace parley::store
