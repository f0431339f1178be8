// An append between the loop that asked for it and the thread that writes it.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/task.h"
#include "base/wakeup.h"
#include "chat/message.h"
#include "net/loop.h"
#include "store/rocksdb_keys.h"

namespace parley::store {

/// Shared by the waiting coroutine and the writer; whichever of deadline and writer comes first decides what it is.
class PendingAppend {
 public:
  /// `key_name` is empty for a draft without an idempotency key. Made on the loop that will wait.
  PendingAppend(Draft draft, std::string key_name, Deadline deadline);

  const Draft draft;
  const std::string key_name;
  const Deadline deadline;
  net::Loop& loop;

  /// Writer: takes it for writing. False: the loop gave up on it, and it must not be stored.
  [[nodiscard]] bool take() noexcept;

  /// Loop: gives up. kOverloaded where the writer had not taken it, and never will; else kOutcomeUnknown.
  void give_up();

  /// Loop: how the write ended. Not heard where the waiter gave up.
  void finish(Result<std::int64_t> result);

  /// Loop: suspends until finish() or give_up(), which the deadline calls.
  [[nodiscard]] Task<std::int64_t> wait();

  /// Whether the loop gave up before the writer took it. Any thread.
  [[nodiscard]] bool abandoned() const noexcept { return state_.load(std::memory_order_acquire) == State::kAbandoned; }

 private:
  enum class State : std::uint8_t { kQueued, kTaken, kAbandoned };

  std::atomic<State> state_{State::kQueued};
  Wakeup done_;  // from here on the loop's alone
  std::optional<Result<std::int64_t>> result_;
};

}  // namespace parley::store
