#include "store/embedded/pending_keys.h"

namespace parley::store {

void KeyClaim::settle(const KeyOutcome& outcome) noexcept {
  if (const auto table = std::exchange(table_, nullptr)) table->settle(key_, outcome);
}

std::optional<std::variant<KeyClaim, PendingKeys::Repeat>> PendingKeys::claim(std::string key) {
  Shard& shard = shard_of(key);
  const std::scoped_lock lock(shard.mutex);
  const auto [entry, first] = shard.keys.try_emplace(key);
  if (first) return KeyClaim(shared_from_this(), std::move(key));
  if (repeats_.fetch_add(1, std::memory_order_relaxed) >= max_repeats_) {
    repeats_.fetch_sub(1, std::memory_order_relaxed);
    return std::nullopt;
  }
  return entry->second.emplace_back(std::make_shared<Completion<KeyOutcome>>());
}

void PendingKeys::settle(const std::string& key, const KeyOutcome& outcome) {
  Repeats repeats;
  {
    Shard& shard = shard_of(key);
    const std::scoped_lock lock(shard.mutex);
    const auto entry = shard.keys.find(key);
    repeats.swap(entry->second);
    shard.keys.erase(entry);
  }
  repeats_.fetch_sub(repeats.size(), std::memory_order_relaxed);
  for (const Repeat& repeat : repeats) repeat->complete(outcome);
}

}  // namespace parley::store
