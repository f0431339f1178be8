#include "store/embedded/raised_chats.h"

namespace parley::store {

/// A place in a table that is half full at times, and the name's own memory.
std::size_t RaisedChats::bytes_of(std::string_view chat) noexcept {
  constexpr std::size_t kAllocation = 16;
  static const std::size_t inside = std::string().capacity();
  return 2 * sizeof(Chats::value_type) + (chat.size() > inside ? chat.size() + kAllocation : 0);
}

RaisedChats::Raised& RaisedChats::of(const std::string& chat) {
  if (bytes_ > max_bytes_) {
    before_.swap(now_);
    now_.clear();
    bytes_ = 0;
  }
  const auto [known, is_new] = now_.try_emplace(chat);
  if (is_new) {
    bytes_ += bytes_of(chat);
    if (const auto before = before_.find(chat); before != before_.end()) known->second = before->second;
  }
  return known->second;
}

RecordHash hash_audience(std::span<const std::string> audience) {
  if (audience.empty()) return {};
  std::string names;
  for (const std::string& name : audience) names.append(name).append(1, '\0');
  return hash_bytes(names);
}

}  // namespace parley::store
