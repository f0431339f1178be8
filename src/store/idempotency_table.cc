#include "store/idempotency_table.h"

#include <boost/asio/post.hpp>

namespace parley::store {

bool IdempotencyTable::claim(const std::string& name) {
  Shard& shard = shard_of(name);
  const std::scoped_lock lock(shard.mutex);
  return shard.claims.try_emplace(name).second;
}

Async<std::optional<KeyOutcome>> IdempotencyTable::wait(const std::string& name, Deadline deadline) {
  const std::shared_ptr<Waiter> waiter = enlist(name);
  if (!waiter) co_return std::nullopt;
  net::DeadlineEntry give_up([waiter = waiter.get()] {
    if (waiter->outcome) return;
    waiter->outcome = KeyOutcome{};
    waiter->done.wake();
  });
  waiter->loop.deadlines().arm(give_up, deadline);
  co_await waiter->done.wait();
  co_return waiter->outcome;
}

void IdempotencyTable::settle(const std::string& name, KeyOutcome outcome) {
  std::vector<std::shared_ptr<Waiter>> waiters;
  {
    Shard& shard = shard_of(name);
    const std::scoped_lock lock(shard.mutex);
    const auto claim = shard.claims.find(name);
    if (claim == shard.claims.end()) return;
    waiters = std::move(claim->second);
    shard.claims.erase(claim);
  }
  for (const auto& waiter : waiters) {
    boost::asio::post(waiter->loop.executor(), [waiter, outcome] { tell(waiter, outcome); });
  }
}

std::shared_ptr<IdempotencyTable::Waiter> IdempotencyTable::enlist(const std::string& name) {
  Shard& shard = shard_of(name);
  const std::scoped_lock lock(shard.mutex);
  const auto claim = shard.claims.find(name);
  if (claim == shard.claims.end()) return nullptr;
  return claim->second.emplace_back(std::make_shared<Waiter>(net::Loop::current()));
}

void IdempotencyTable::tell(const std::shared_ptr<Waiter>& waiter, KeyOutcome outcome) {
  if (waiter->outcome) return;  // it gave up
  waiter->outcome = outcome;
  waiter->done.wake();
}

}  // namespace parley::store
