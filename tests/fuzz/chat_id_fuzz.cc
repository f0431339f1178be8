// Chat names: whatever parses is canonical, valid, and the same chat in either spelling.
#include <string>

#include "chat/chat_id.h"
#include "chat/text.h"
#include "fuzz.h"

namespace {

using parley::ChatId;
using parley::fuzz::require;

void check_member(std::string_view member) {
  require(!member.empty() && member.size() <= parley::kMaxMemberBytes, "a member is 1 to 64 bytes");
  require(member.find(':') == std::string_view::npos, "a member has no colon");
  require(parley::is_utf8(member), "a member is UTF-8");
  require(!parley::has_control(member), "a member has no control character");
  require(!parley::has_outer_white_space(member), "a member has no surrounding white space");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto chat = ChatId::parse(parley::fuzz::as_text(data, size));
  if (!chat) {
    require(chat.error().code == parley::ErrorCode::kInvalidChat, "a refused name is an invalid_chat");
    return 0;
  }
  check_member(chat->first());
  check_member(chat->second());
  require(chat->first() <= chat->second(), "the members are sorted");
  require(chat->has_member(chat->first()) && chat->has_member(chat->second()), "the members are members");

  const auto again = ChatId::parse(chat->name());
  require(again && *again == *chat, "the canonical name is that of the same chat");
  const auto swapped = ChatId::parse(std::string(chat->second()) + ":" + std::string(chat->first()));
  require(swapped && *swapped == *chat, "both spellings are one chat");
  return 0;
}
