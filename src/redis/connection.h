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

#include "base/wakeup.h"
#include "net/deadlines.h"
#include "net/pipeline.h"
#include "redis/call.h"
#include "redis/reply_reader.h"

namespace parley::redis {

class Connection;

/// A call on its way. It stays where it is, in the frame of whoever waits for it. Loop's thread only.
class PendingCall {
 public:
  /// Sends `command`, which stays where it is until ended(), as does `result`; never kRefused. `asking`: right behind
  /// an ASKING. Calls of one turn of the loop are written together.
  PendingCall(Connection& connection, std::string_view command, CallOptions options, bool asking, CallResult& result);

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

/// All on its loop's thread. Made by std::make_shared: whoever calls keeps it.
class Connection : public net::Pipeline<Connection, PendingCall> {
 public:
  struct Options {
    std::size_t max_in_flight = 0;
    std::size_t replicas = 0;  ///< that confirm a call with CallOptions::replicate; 0: as if it were without
  };

  /// `channel` has its handshake behind it. `on_end` is called on the loop, once, when no new call can be made.
  Connection(net::Loop& loop, std::unique_ptr<net::Channel> channel, Options options, std::function<void()> on_end)
      : Pipeline(loop, std::move(channel)), options_(options), on_end_(std::move(on_end)) {}

  /// Sends `command`, which stays where it is meanwhile, and waits for its answer; never kRefused.
  [[nodiscard]] Async<CallResult> call(std::string_view command, CallOptions options);

  /// What was written and not answered, also if nobody waits for the answer any longer, and what is to be written.
  [[nodiscard]] std::size_t in_flight() const noexcept { return queue_.size() + replies_.size(); }
  /// For how long something has been written and nothing read, not counting what the server may wait for replicas.
  [[nodiscard]] std::chrono::steady_clock::duration silence() const;

 private:
  friend class net::Pipeline<Connection, PendingCall>;
  friend class PendingCall;

  /// A reply that is to come.
  struct Expected {
    PendingCall* call = nullptr;  // none: nobody waits for it (any longer)
    bool wait = false;            // it is WAIT's
  };

  void start(PendingCall& call);
  void end(PendingCall& call, CallResult::Outcome outcome);
  void lose(PendingCall& call);
  void forget(PendingCall& call);

  // For the pipeline.
  [[nodiscard]] bool may_write() const noexcept { return !queue_.empty() && !waiting_; }
  [[nodiscard]] std::uint64_t append(PendingCall& call, std::string& batch);
  void end_batch(std::string& batch);
  [[nodiscard]] PendingCall* find(std::uint64_t place);
  static void unsend(PendingCall& call) { call.result_.sent = false; }
  [[nodiscard]] std::string_view take_input();
  [[nodiscard]] bool awaits() const noexcept { return !replies_.empty(); }
  void on_close() { on_end_(); }
  void end_all();

  /// Takes the whole replies out of `bytes`. Returns what is wrong with them.
  [[nodiscard]] std::string_view take_replies(std::string_view bytes);
  void end_too_large();
  void take_reply(Reply reply);
  void end_wait(const Reply& reply);

  const Options options_;
  std::function<void()> on_end_;
  std::deque<Expected> replies_;
  std::uint64_t first_ = 0;             // the place in the row of the first of replies_
  std::vector<PendingCall*> held_;      // answered, but not confirmed by replicas; none: nobody waits any longer
  std::optional<Deadline> wait_until_;  // of the batch that is being filled, if it is to be confirmed
  bool waiting_ = false;                // a WAIT is under way
  std::chrono::milliseconds wait_{};    // and for so long at most
  ReplyReader reader_;
};

}  // namespace parley::redis
