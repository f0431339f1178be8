// The name of a chat between two members.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.h"

namespace parley {

inline constexpr std::size_t kMaxMemberBytes = 64;

/// A valid chat in its canonical spelling: "<member1>:<member2>", the members sorted by bytes. Immutable value.
class ChatId {
 public:
  /// Reads either spelling. A member is 1 to 64 bytes of UTF-8 without ':', control characters or surrounding white
  /// space; both may be the same. Otherwise kInvalidChat, with what is wrong.
  [[nodiscard]] static Result<ChatId> parse(std::string_view name);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::string_view first() const noexcept { return std::string_view(name_).substr(0, colon_); }
  [[nodiscard]] std::string_view second() const noexcept { return std::string_view(name_).substr(colon_ + 1); }
  [[nodiscard]] bool has_member(std::string_view member) const noexcept {
    return member == first() || member == second();
  }

  friend bool operator==(const ChatId&, const ChatId&) = default;

 private:
  ChatId(std::string name, std::size_t colon) : name_(std::move(name)), colon_(colon) {}

  std::string name_;
  std::size_t colon_;
};

}  // namespace parley
