// One connection to a Redis server: commands in a row, answers in the same order.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/task_group.h"
#include "base/wakeup.h"
#include "net/channel.h"
#include "net/loop.h"
#include "redis/call.h"
#include "redis/reply_reader.h"

namespace parley::redis {

/// All on its loop's thread. Made by std::make_shared: whoever calls keeps it.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  struct Options {
    std::size_t max_in_flight = 0;
    std::size_t replicas = 0;  ///< that confirm a call with CallOptions::replicate; 0: as if it were without
  };

  /// `channel` has its handshake behind it. `on_end` is called on the loop, once, when no new call can be made.
  Connection(net::Loop& loop, std::unique_ptr<net::Channel> channel, Options options, std::function<void()> on_end);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Reads and writes until the connection ends, and then ends every call. Once; belongs into `group`, as the
  /// connection's writer does.
  static Async<> run(std::shared_ptr<Connection> self, TaskGroup& group);

  /// A call on its way. It lives, and stays where it is, in the frame of whoever waits for it.
  class Call;

  /// Sends `command`, which stays where it is meanwhile, and waits for its answer; never kRefused.
  [[nodiscard]] Async<CallResult> call(std::string_view command, CallOptions options);

  /// Ends now, and for everybody who asks, because of `why`. Calls end a little later, when it is known what was sent.
  void close(std::string why);

  [[nodiscard]] bool closed() const noexcept { return closed_; }
  /// Why it ended, for a person.
  [[nodiscard]] const std::string& why() const noexcept { return why_; }
  /// What was written and not answered, also where nobody waits for the answer any longer, and what is to be written.
  [[nodiscard]] std::size_t in_flight() const noexcept { return queue_.size() + replies_.size(); }
  /// For how long something has been written and nothing read, not counting what the server may wait for replicas.
  [[nodiscard]] std::chrono::steady_clock::duration silence() const;

 private:
  /// A reply that is to come.
  struct Expected {
    Call* call = nullptr;  // none: nobody waits for it (any longer)
    bool wait = false;     // it is WAIT's
  };

  void start(Call& call);
  void end(Call& call, CallResult::Outcome outcome);
  void forget(Call& call);
  void end_all();
  void wake_writer();

  [[nodiscard]] Async<> read();
  /// Takes the whole replies out of what was read; why not, where there is something else.
  [[nodiscard]] std::string_view take_replies(std::string_view bytes);
  void end_too_large();
  void take_reply(Reply reply);
  void end_wait(const Reply& reply);

  [[nodiscard]] Async<> write();
  /// Writes the batch; how much of it was written before the connection ended.
  [[nodiscard]] Async<std::size_t> write_batch();
  /// Takes queued calls for one write; they count as sent from here on.
  void fill_batch();
  void append(Call& call);
  void append_wait(Deadline until);
  void take_back_unsent(std::size_t written);
  [[nodiscard]] bool may_write() const noexcept { return !queue_.empty() && !waiting_; }

  net::Loop& loop_;
  const std::unique_ptr<net::Channel> channel_;
  const Options options_;
  std::function<void()> on_end_;

  std::deque<Call*> queue_;  // not written yet
  std::string batch_;
  std::vector<std::pair<std::uint64_t, std::size_t>> batch_ends_;  // where in the batch each call ends
  Wakeup work_;
  bool writer_idle_ = false;
  Wakeup writer_ended_;

  std::deque<Expected> replies_;
  std::uint64_t first_ = 0;           // the place in the row of the first of replies_
  std::vector<Call*> held_;           // answered, but not confirmed by replicas; none: nobody waits any longer
  bool waiting_ = false;              // a WAIT is under way
  std::chrono::milliseconds wait_{};  // and for so long at most

  std::string input_;  // room to read into
  ReplyReader reader_;
  std::optional<Deadline> silent_since_;
  bool closed_ = false;
  std::string why_;
};

class Connection::Call {
 public:
  /// Sends `command`, which stays where it is until ended(), as does `result`; never kRefused. `asking`: right behind
  /// an ASKING. Calls of one turn of the loop are written together.
  Call(Connection& connection, std::string_view command, CallOptions options, bool asking, CallResult& result);

  /// Suspends until `result` says how it ended. Once.
  [[nodiscard]] Wakeup::Waiting ended() { return ended_.wait(); }

 private:
  friend class Connection;
  enum class Where : std::uint8_t { kNowhere, kQueued, kSent, kHeld };

  const std::string_view command_;
  CallResult& result_;
  const Deadline deadline_;
  const bool replicate_;
  const bool asking_;
  Where where_ = Where::kNowhere;
  std::uint64_t place_ = 0;  // of its reply, once it is sent; then of itself in held_
  Wakeup ended_;
  net::DeadlineEntry expiry_;
};

}  // namespace parley::redis
