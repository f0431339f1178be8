// The client's part on one loop: the masters, which of them owns a slot, and the calls until they have an end.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/task_group.h"
#include "net/loop.h"
#include "net/waiters.h"
#include "redis/call.h"
#include "redis/client_metrics.h"
#include "redis/client_options.h"
#include "redis/layout.h"
#include "redis/master.h"
#include "redis/refusal.h"

namespace parley::redis {

/// All on its loop's thread, but for the constructor and destructor.
class LoopClient {
 public:
  /// `look` asks for a new layout; called often.
  LoopClient(net::Loop& loop, const ClientOptions& options, ClientMetrics& metrics, std::function<void()> look);

  /// The masters are these from now on: new ones are used, others retired.
  void set_layout(const Layout& layout);
  /// Retires all. Calls must have ended.
  void stop();
  /// Suspends until nothing is left of any master. After stop().
  [[nodiscard]] Async<> ended() { return tasks_.wait(); }

  struct Command {
    std::uint16_t slot = 0;
    std::string bytes;
    std::function<std::string()> remake{};  ///< new bytes for another try, or one that had to wait; none: the same
    bool script = false;
  };
  /// As Client::call(); NOSCRIPT is an answer.
  [[nodiscard]] Async<CallResult> call(Command command, CallOptions options);
  [[nodiscard]] Async<> visit_masters(std::chrono::milliseconds patience,
                                      std::function<Async<>(std::string, Ask)> visit);

  /// As Client::changes().
  [[nodiscard]] std::uint64_t changes() const noexcept { return changes_; }

  /// Nothing while every master can be called, else kUnavailable with why not.
  [[nodiscard]] Result<void> ready() const;
  /// Waits until ready(), the deadline, or a master that does not take what we were told to use; then as ready().
  [[nodiscard]] Task<void> started(Deadline deadline);

 private:
  struct Attempt;

  /// Sets attempt.master, to whom the call should go now. Its link lives as long; none: there is no master.
  [[nodiscard]] Link* choose(Attempt& attempt) const;
  /// Waits until that one is up, while the outage is young; without one, attempt.result says why.
  [[nodiscard]] Async<Link*> acquire(Attempt& attempt);
  /// Whether the call goes on, after an answer that is an error. It may be over, too: attempt.result says how.
  [[nodiscard]] bool goes_on(Attempt& attempt, Refusal refusal, Link& link);
  void follow(Attempt& attempt, Refusal refusal, const Link& link);
  [[nodiscard]] std::shared_ptr<Master> owner(std::uint16_t slot) const;
  [[nodiscard]] std::shared_ptr<Master> master_at(const net::Endpoint& server);
  [[nodiscard]] Kind kind() const noexcept;
  [[nodiscard]] bool turned_away() const;
  void on_change();

  net::Loop& loop_;
  const ClientOptions& options_;
  ClientMetrics& metrics_;
  const std::function<void()> look_;
  TaskGroup tasks_;
  LinkContext context_;
  std::vector<std::shared_ptr<Master>> masters_;
  std::vector<std::shared_ptr<Master>> owners_;  // of each slot; empty: the first master has all
  std::string why_none_ = "the servers were not tried yet";
  Deadline none_since_;   // since when there has been no master for some slot
  net::Waiters waiters_;  // for a change
  std::uint64_t changes_ = 0;
  bool stopped_ = false;
};

}  // namespace parley::redis
