// What a process remembers of the index rows that it raised.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

namespace parley::store {

/// By chat: values that its rows have at least. To have forgotten one costs a write and nothing else. The chats that
/// were used longest ago are forgotten first. Any thread.
class RaisedRows {
 public:
  struct Values {
    std::int64_t audience = 0;  ///< of every row of the audience; 0: not known
    std::int64_t lane = 0;      ///< of the row of the lane's followers
  };

  /// Takes about `bytes` of memory at most.
  explicit RaisedRows(std::size_t bytes);

  /// `age` is that of the process now: what was learnt at another one counts for nothing. One look-up.
  [[nodiscard]] Values find(std::string_view chat, const std::vector<std::string>& audience, std::uint64_t age);

  /// The rows of the chat's audience have at least this value, as was learnt since `age` began.
  void raised(std::string_view chat, const std::vector<std::string>& audience, std::int64_t value, std::uint64_t age);
  /// The same for the row of the lane's followers.
  void raised_lane(std::string_view chat, std::int64_t value, std::uint64_t age);

  /// How many chats it remembers.
  [[nodiscard]] std::size_t size() const;

 private:
  struct Chat {
    std::string name;
    std::vector<std::string> audience{};  // empty: the members of a chat of two
    Values values{};
    std::uint64_t age = 0;
  };
  using Chats = std::list<Chat>;
  struct Shard {
    mutable std::mutex mutex;
    std::size_t room = 0;                                                  // bytes that are left
    Chats chats;                                                           // the one that was used last comes first
    boost::unordered_flat_map<std::string_view, Chats::iterator> by_name;  // into the names of chats
  };
  static constexpr std::size_t kShards = 64;

  [[nodiscard]] Shard& shard_of(std::string_view chat) noexcept;
  /// The chat, of this age; nothing if it would be older than what is known.
  [[nodiscard]] static Chat* use(Shard& shard, std::string_view name, std::uint64_t age);
  [[nodiscard]] static bool take_room(Shard& shard, std::size_t bytes, std::size_t keep);
  [[nodiscard]] static std::size_t cost(const Chat& chat) noexcept;

  std::array<Shard, kShards> shards_;
};

}  // namespace parley::store
