// One append on its way through the writer.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "chat/message.h"
#include "store/completion.h"
#include "store/idempotency_record.h"
#include "store/pending_keys.h"

namespace parley::store {

/// Shared by the coroutine that waits and the writer. It is decided once who has it: the writer, which then answers,
/// or the coroutine, whose deadline passed while it still waited in the queue.
class AppendRequest : public Completion<Result<std::int64_t>> {
 public:
  AppendRequest(Draft what, Deadline until) : draft(std::move(what)), deadline(until) {}

  /// Whether the caller is the one to decide what becomes of it: true once.
  [[nodiscard]] bool take() noexcept { return !taken_.exchange(true, std::memory_order_acq_rel); }

  const Draft draft;
  const Deadline deadline;
  std::optional<KeyClaim> claim;  ///< with an idempotency key; belongs to whoever took the request
  TextHash text_hash{};           ///< with an idempotency key

 private:
  std::atomic<bool> taken_{false};
};

using AppendRequestPtr = std::shared_ptr<AppendRequest>;

}  // namespace parley::store
