#include "store/embedded/raised_chats.h"

#include <algorithm>
#include <utility>

namespace parley::store {
/// A place in a table that is half full at times, and the name's own memory.
std::size_t RaisedChats::bytes_of(std::string_view chat) noexcept {
  constexpr std::size_t kAllocation = 16;
  static const std::size_t inside = std::string().capacity();
  return 2 * sizeof(Chats::value_type) + (chat.size() > inside ? chat.size() + kAllocation : 0);
}

std::optional<std::int64_t> RaisedChats::least(std::string_view chat, const RecordHash& audience) {
  Shard& shard = shard_of(chat);
  const std::scoped_lock lock(shard.mutex);
  const Raised* known = nullptr;
  if (const auto now = shard.now.find(chat); now != shard.now.end()) {
    known = &now->second;
  } else if (const auto before = shard.before.find(chat); before != shard.before.end()) {
    known = &before->second;
  }
  if (known == nullptr || known->audience != audience) return std::nullopt;
  return known->least;
}

void RaisedChats::remember(std::string_view chat, const RecordHash& audience, std::int64_t least) {
  Shard& shard = shard_of(chat);
  const std::scoped_lock lock(shard.mutex);
  if (const auto known = shard.now.find(chat); known != shard.now.end()) {
    Raised& raised = known->second;
    if (raised.audience == audience) least = std::max(least, raised.least);
    raised = {audience, least};
    return;
  }
  if (shard.bytes > max_bytes_) {
    shard.before = std::exchange(shard.now, {});
    shard.bytes = 0;
  }
  shard.bytes += bytes_of(chat);
  shard.now.emplace(chat, Raised{audience, least});
}

RecordHash hash_audience(std::span<const std::string> audience) {
  if (audience.empty()) return {};
  std::string names;
  for (const std::string& name : audience) names.append(name).append(1, '\0');
  return hash_bytes(names);
}

}  // namespace parley::store
