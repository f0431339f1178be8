// One write on its way through the writer.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "store/embedded/completion.h"
#include "store/embedded/pending_keys.h"
#include "store/idempotency_record.h"
#include "store/message_store.h"

namespace parley::store {

/// When a deadline passed that refuses a write: the coroutine and the writer say the same.
inline constexpr std::string_view kBeforeTheWrite = "before the write was begun";

/// Rows of one table, and what was found where they have conditions.
struct TableWrite {
  std::string prefix;  ///< of the keys of the table's rows
  std::vector<RowWrite> rows;
  std::vector<std::optional<std::string>> found{};  ///< of the rows with a condition, in their order
  std::uint64_t found_after = 0;                    ///< the writer's last batch that these can be seen to have
};

/// How a write ended that did not fail.
struct WriteOutcome {
  enum class What : std::uint8_t {
    kDone,
    kRefused,    ///< a row is not as its condition says
    kLookAgain,  ///< what was found is too old, and memory lacks what is newer: nothing was done, no claim was settled
  };
  What what = What::kDone;
  std::int64_t time = 0;  ///< of the first record
};

/// Shared by the coroutine that waits and the writer. It is decided once who has it: the writer, which then answers,
/// or the coroutine, whose deadline passed while it still waited in the queue.
class WriteRequest : public Completion<Result<WriteOutcome>> {
 public:
  /// Anywhere. Its coroutine binds it to a loop.
  explicit WriteRequest(Deadline until) : Completion(nullptr), deadline(until) {}
  using Completion::bind;

  /// Whether the caller is the one to decide what becomes of it: true once.
  [[nodiscard]] bool take() noexcept { return !taken_.exchange(true, std::memory_order_acq_rel); }

  const Deadline deadline;
  // They do not change once it is in the queue:
  std::optional<Change> change{};     ///< without its rows; none: rows alone
  std::optional<TableWrite> table{};  ///< none: no rows
  RecordHash audience{};              ///< hash_audience() of the change's
  RecordHash hash{};                  ///< of the first record, with a key
  std::optional<KeyClaim> claim{};    ///< with a key; belongs to whoever took the request

 private:
  std::atomic<bool> taken_{false};
};

using WriteRequestPtr = std::shared_ptr<WriteRequest>;

}  // namespace parley::store
