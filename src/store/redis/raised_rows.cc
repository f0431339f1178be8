#include "store/redis/raised_rows.h"

#include <algorithm>
#include <functional>

namespace parley::store {
namespace {

/// A node of the list, and a chat's share of the table while that grows.
constexpr std::size_t kChatBytes = 192;

}  // namespace

RaisedRows::RaisedRows(std::size_t bytes) {
  for (Shard& shard : shards_) shard.room = bytes / kShards;
}

RaisedRows::Values RaisedRows::find(std::string_view chat, const std::vector<std::string>& audience,
                                    std::uint64_t age) {
  Shard& shard = shard_of(chat);
  const std::scoped_lock lock(shard.mutex);
  const auto found = shard.by_name.find(chat);
  if (found == shard.by_name.end() || found->second->age != age) return {};
  shard.chats.splice(shard.chats.begin(), shard.chats, found->second);
  Values values = found->second->values;
  if (found->second->audience != audience) values.audience = 0;
  return values;
}

void RaisedRows::raised(std::string_view chat, const std::vector<std::string>& audience, std::int64_t value,
                        std::uint64_t age) {
  Shard& shard = shard_of(chat);
  const std::scoped_lock lock(shard.mutex);
  Chat* const known = use(shard, chat, age);
  if (known == nullptr) return;
  if (known->audience != audience) {
    const std::size_t before = cost(*known);
    known->audience = audience;
    known->values.audience = 0;
    shard.room += before;
    if (!take_room(shard, cost(*known), 1)) {
      shard.by_name.erase(known->name);
      shard.chats.pop_front();
      return;
    }
  }
  known->values.audience = std::max(known->values.audience, value);
}

void RaisedRows::raised_lane(std::string_view chat, std::int64_t value, std::uint64_t age) {
  Shard& shard = shard_of(chat);
  const std::scoped_lock lock(shard.mutex);
  Chat* const known = use(shard, chat, age);
  if (known != nullptr) known->values.lane = std::max(known->values.lane, value);
}

std::size_t RaisedRows::size() const {
  std::size_t out = 0;
  for (const Shard& shard : shards_) {
    const std::scoped_lock lock(shard.mutex);
    out += shard.chats.size();
  }
  return out;
}

RaisedRows::Shard& RaisedRows::shard_of(std::string_view chat) noexcept {
  return shards_[std::hash<std::string_view>{}(chat) % kShards];
}

RaisedRows::Chat* RaisedRows::use(Shard& shard, std::string_view name, std::uint64_t age) {
  if (const auto found = shard.by_name.find(name); found != shard.by_name.end()) {
    Chat& chat = *found->second;
    if (chat.age > age) return nullptr;
    shard.chats.splice(shard.chats.begin(), shard.chats, found->second);
    if (chat.age < age) chat.values = {};
    chat.age = age;
    return &chat;
  }
  Chat chat{.name = std::string(name), .age = age};
  if (!take_room(shard, cost(chat), 0)) return nullptr;
  shard.chats.push_front(std::move(chat));
  shard.by_name.emplace(shard.chats.front().name, shard.chats.begin());
  return &shard.chats.front();
}

/// Takes room, for which it forgets all but the first `keep` chats if it must. False: it is not to be had.
bool RaisedRows::take_room(Shard& shard, std::size_t bytes, std::size_t keep) {
  while (shard.room < bytes && shard.chats.size() > keep) {
    shard.room += cost(shard.chats.back());
    shard.by_name.erase(shard.chats.back().name);
    shard.chats.pop_back();
  }
  if (shard.room < bytes) return false;
  shard.room -= bytes;
  return true;
}

std::size_t RaisedRows::cost(const Chat& chat) noexcept {
  std::size_t bytes = kChatBytes + chat.name.size();
  for (const std::string& member : chat.audience) bytes += sizeof(std::string) + member.size();
  return bytes;
}

}  // namespace parley::store
