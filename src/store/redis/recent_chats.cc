#include "store/redis/recent_chats.h"

#include <algorithm>

#include "store/send_time.h"

namespace parley::store {
namespace {

/// A node of the list, and a chat's share of the table while that grows.
constexpr std::size_t kChatBytes = 160;

}  // namespace

std::optional<std::int64_t> RecentChats::next_time(const std::string& chat, std::int64_t now) {
  Chat& known = use(chat);
  const auto time = next_send_time(now, known.last_time);
  if (time) known.last_time = *time;
  return time;
}

void RecentChats::saw(const std::string& chat, std::int64_t time) {
  Chat& known = use(chat);
  known.last_time = std::max(known.last_time, time);
  known.seen_at = age_;
}

bool RecentChats::has_messages(const std::string& chat) const {
  const auto found = by_name_.find(chat);
  return found != by_name_.end() && found->second->seen_at == age_;
}

RecentChats::Chat& RecentChats::use(const std::string& name) {
  if (const auto found = by_name_.find(name); found != by_name_.end()) {
    chats_.splice(chats_.begin(), chats_, found->second);
    return chats_.front();
  }
  const std::size_t bytes = cost(name);
  while (!chats_.empty() && room_ < bytes) {
    room_ += cost(chats_.back().name);
    by_name_.erase(chats_.back().name);
    chats_.pop_back();
  }
  room_ -= std::min(room_, bytes);
  chats_.push_front({.name = name});
  by_name_.emplace(chats_.front().name, chats_.begin());
  return chats_.front();
}

std::size_t RecentChats::cost(const std::string& name) noexcept { return kChatBytes + name.size(); }

}  // namespace parley::store
