// The index in Redis: which chats of a user moved, and when.
//
// An index is a sorted set: its members are chats, and their scores are times. It lies in the user's lane, so that an
// append raises it before it is sent. The index of a lane's followers lies in the lane of its chats, and is raised by
// the append itself.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.h"
#include "base/task.h"
#include "redis/client.h"
#include "store/bell.h"
#include "store/message_store.h"
#include "store/redis/identity.h"
#include "store/redis/raised_rows.h"

namespace parley::store {

/// What the index allows an append.
struct RedisRaised {
  std::int64_t limit;  ///< the latest time that its records may have
  bool raise_lane;     ///< whether the append has to raise the row of the lane's followers, in the same step
};

/// Raises rows and reads them. Rows are only ever raised. What was raised and confirmed is remembered for the whole
/// process, in bounded memory, until a server or its data are lost or replaced. Any loop.
class RedisIndex {
 public:
  struct Counts {
    Counter raised;  ///< rows of users that were written before an append
  };

  /// What it is given must outlive it. Takes about `memory` bytes for what it remembers.
  RedisIndex(redis::Client& client, const RedisIdentity& identity, Bell& bell, std::size_t memory, std::size_t loops);
  ~RedisIndex();
  RedisIndex(const RedisIndex&) = delete;
  RedisIndex& operator=(const RedisIndex&) = delete;

  /// What an append to `chat` at `now` may do, if the rows of all its audience were raised lately, which costs one
  /// look-up; else nothing: raise() them. The audience of a chat of two is its members and `audience`.
  [[nodiscard]] std::optional<RedisRaised> known(const ChatId& chat, const std::vector<std::string>& audience,
                                                 std::int64_t now);

  /// Raises the rows of the audience to the clock, and returns when they are confirmed as an append is. Those who ask
  /// for the same on one loop meanwhile share that. `floor` is 0, or the least time that the append can have now if it
  /// was refused for its limit. Whether it fails or not, no record was stored: kOverloaded, kUnavailable. What it is
  /// given stays where it is meanwhile. On a loop.
  [[nodiscard]] Task<RedisRaised> raise(const ChatId& chat, const std::vector<std::string>& audience, std::int64_t now,
                                        std::int64_t floor, Deadline deadline);

  /// An append to `chat` is confirmed whose last record has this time, and which raised the row of its lane's followers
  /// if it had to.
  void appended(std::string_view chat, std::int64_t time, bool raised_lane);

  /// As MessageStore::index(). kUnavailable if Redis lost its data or was replaced meanwhile. On a loop.
  [[nodiscard]] Task<IndexPage> index(std::string user, IndexRange range, Deadline deadline);

  [[nodiscard]] const Counts& counts() const noexcept { return counts_; }

 private:
  struct Raising;
  struct Loop;

  [[nodiscard]] Async<> raise_rows(Raising& raising, const ChatId& chat, const std::vector<std::string>& audience);
  [[nodiscard]] Async<> raise_row(Raising& raising, const std::string& chat, std::string_view user);
  [[nodiscard]] Task<IndexPage> read_page(const std::string& user, const IndexRange& range, Deadline deadline);
  [[nodiscard]] std::uint64_t age();
  [[nodiscard]] std::int64_t wanted(std::string_view chat, std::int64_t now, std::int64_t floor);
  void saw(std::string_view chat, std::int64_t time) noexcept;
  [[nodiscard]] std::atomic<std::int64_t>& newest_of(std::string_view chat) noexcept;

  redis::Client& client_;
  const RedisIdentity& identity_;
  Bell& bell_;
  RaisedRows rows_;
  std::vector<std::atomic<std::int64_t>> newest_;  // a time of each lane that was seen there
  std::vector<std::unique_ptr<Loop>> loops_;
  std::atomic<std::uint64_t> age_{1};  // rises with each change: what was remembered before is nothing now
  Counts counts_;
};

}  // namespace parley::store
