// Whether a chat may have changed since somebody looked.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace parley::store {

/// A counter for every chat, shared by all chats whose names hash alike: neither side looks anything up. It is odd
/// while a write of one of them is under way. Two equal, even readings mean that between them no write of the chat
/// began, and so nothing new of it became visible.
class ChatEpochs {
 public:
  using Epoch = std::uint64_t;

  ChatEpochs() : slots_(kSlots) {}

  /// Any thread.
  [[nodiscard]] Epoch of(std::string_view chat) const noexcept {
    return slots_[slot_of(chat)].load(std::memory_order_acquire);
  }
  [[nodiscard]] static bool written(Epoch epoch) noexcept { return epoch % 2 == 1; }

  // The writer, which is one thread. A batch begins each of its chats before anything of it can be visible, and ends
  // each when all of it is visible or nothing will be.
  void begin(std::string_view chat) noexcept { advance(chat, false); }
  void end(std::string_view chat) noexcept { advance(chat, true); }

 private:
  static constexpr std::size_t kSlots = std::size_t{32} << 10;

  [[nodiscard]] static std::size_t slot_of(std::string_view chat) noexcept {
    return std::hash<std::string_view>{}(chat) % kSlots;
  }
  void advance(std::string_view chat, bool from_written) noexcept {
    std::atomic<Epoch>& slot = slots_[slot_of(chat)];
    const Epoch epoch = slot.load(std::memory_order_relaxed);
    if (written(epoch) == from_written) slot.store(epoch + 1, std::memory_order_release);
  }

  std::vector<std::atomic<Epoch>> slots_;
};

}  // namespace parley::store
