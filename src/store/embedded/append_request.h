// One append on its way through the writer.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "chat/message.h"
#include "store/embedded/completion.h"
#include "store/embedded/pending_keys.h"
#include "store/idempotency_record.h"

namespace parley::store {

/// When a deadline passed that refuses an append: the coroutine and the writer say the same.
inline constexpr std::string_view kBeforeTheWrite = "before the write was begun";

/// Shared by the coroutine that waits and the writer. It is decided once who has it: the writer, which then answers,
/// or the coroutine, whose deadline passed while it still waited in the queue.
class AppendRequest : public Completion<Result<std::int64_t>> {
 public:
  /// With an idempotency key it has a claim, and the hash of its text.
  AppendRequest(Draft what, Deadline until, std::optional<KeyClaim> key, TextHash hash)
      : draft(std::move(what)), deadline(until), claim(std::move(key)), text_hash(hash) {}

  /// Whether the caller is the one to decide what becomes of it: true once.
  [[nodiscard]] bool take() noexcept { return !taken_.exchange(true, std::memory_order_acq_rel); }

  const Draft draft;
  const Deadline deadline;
  std::optional<KeyClaim> claim;  ///< belongs to whoever took the request
  const TextHash text_hash;

 private:
  std::atomic<bool> taken_{false};
};

using AppendRequestPtr = std::shared_ptr<AppendRequest>;

}  // namespace parley::store
