#include "chat/chat_id.h"

#include <algorithm>

#include <fmt/format.h>

#include "chat/text.h"

namespace parley {
namespace {

/// Empty when `member` may be one, else what is wrong with it.
std::string_view fault(std::string_view member) {
  if (member.empty()) return "is empty";
  if (member.size() > kMaxMemberBytes) return "is longer than 64 bytes";
  if (!is_utf8(member)) return "is not UTF-8";
  if (has_control(member)) return "has a control character";
  if (has_outer_white_space(member)) return "begins or ends with white space";
  return {};
}

}  // namespace

Result<ChatId> ChatId::parse(std::string_view name) {
  if (name.empty()) return fail(ErrorCode::kInvalidChat, "the chat is missing: it is <member1>:<member2>");
  const std::size_t colon = name.find(':');
  if (colon == std::string_view::npos) return fail(ErrorCode::kInvalidChat, "a chat is <member1>:<member2>");
  std::string_view first = name.substr(0, colon);
  std::string_view second = name.substr(colon + 1);
  if (second.find(':') != std::string_view::npos) {
    return fail(ErrorCode::kInvalidChat, "a chat has two members, and so exactly one ':'");
  }
  if (const auto wrong = fault(first); !wrong.empty()) {
    return fail(ErrorCode::kInvalidChat, fmt::format("the first member {}", wrong));
  }
  if (const auto wrong = fault(second); !wrong.empty()) {
    return fail(ErrorCode::kInvalidChat, fmt::format("the second member {}", wrong));
  }
  if (second < first) std::swap(first, second);
  std::string canonical;
  canonical.reserve(name.size());
  canonical.append(first).append(":").append(second);
  return ChatId(std::move(canonical), first.size());
}

}  // namespace parley
