#include "store/pending_append.h"

#include <utility>

namespace parley::store {

PendingAppend::PendingAppend(Draft the_draft, std::string the_key_name, Deadline the_deadline)
    : draft(std::move(the_draft)),
      key_name(std::move(the_key_name)),
      deadline(the_deadline),
      loop(net::Loop::current()) {}

bool PendingAppend::take() noexcept {
  State expected = State::kQueued;
  return state_.compare_exchange_strong(expected, State::kTaken, std::memory_order_acq_rel);
}

void PendingAppend::give_up() {
  State expected = State::kQueued;
  if (state_.compare_exchange_strong(expected, State::kAbandoned, std::memory_order_acq_rel)) {
    finish(fail(ErrorCode::kOverloaded, "the deadline passed before the write was begun"));
  } else {
    finish(fail(ErrorCode::kOutcomeUnknown, "the deadline passed while the message was being written"));
  }
}

void PendingAppend::finish(Result<std::int64_t> result) {
  if (result_) return;
  result_ = std::move(result);
  done_.wake();
}

Task<std::int64_t> PendingAppend::wait() {
  net::DeadlineEntry timeout([this] { give_up(); });
  loop.deadlines().arm(timeout, deadline);
  co_await done_.wait();
  co_return *result_;
}

}  // namespace parley::store
