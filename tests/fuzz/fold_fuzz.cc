// Records of a chat, in any order and given twice: the same messages come out, and none that was recalled shows a text.
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "chat/fold.h"
#include "fuzz.h"

namespace {

using namespace parley;
using fuzz::require;

/// A record is four bytes (its kind, what it is about, its sender, the size of its body) and the body. Its time is its
/// place, so each has its own.
std::vector<Record> records_of(std::string_view bytes) {
  std::vector<Record> records;
  while (bytes.size() >= 4) {
    const std::size_t size = std::min<std::size_t>(static_cast<unsigned char>(bytes[3]), bytes.size() - 4);
    records.push_back({.kind = static_cast<RecordKind>(bytes[0] & 0xF),
                       .time = static_cast<std::int64_t>(records.size() + 1),
                       .sender = std::string(1, static_cast<char>('a' + (bytes[2] & 3))),
                       .about = bytes[1],
                       .body = std::string(bytes.substr(4, size))});
    bytes.remove_prefix(4 + size);
  }
  return records;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<Record> records = records_of(fuzz::as_text(data, size));
  MessageFold forward;
  MessageFold backward;
  std::set<std::int64_t> recalled;
  for (const Record& record : records) {
    if (forward.add(record) && record.kind == RecordKind::kRecall) recalled.insert(record.about);
  }
  for (auto record = records.rbegin(); record != records.rend(); ++record) {
    const bool taken = backward.add(*record);
    require(backward.add(*record) == taken, "a record is taken or not, however often it comes");
  }
  for (const std::string_view reader : {"", "a"}) {
    const auto messages = forward.messages(reader);
    require(messages == backward.messages(reader), "the order of the records does not matter");
    for (const Message& message : messages) {
      const MessageExtras extras = message.extras ? *message.extras : MessageExtras{};
      require(message.extras == nullptr || extras != MessageExtras{}, "a plain message has no extras");
      require(message.text.empty() == extras.recalled, "a message has a text unless it was recalled");
      require(extras.recalled || !recalled.contains(message.send_time), "what was recalled stays so");
      require(extras.idempotency_key.empty() || message.sender == reader, "a key is its sender's alone");
      require(extras.reactions.size() <= kMaxReactionTexts, "reactions are within their limit");
      for (const Reaction& reaction : extras.reactions) {
        require(reaction.count >= reaction.users.size() && !reaction.users.empty(), "a reaction has users");
        require(reaction.users.size() <= kShownReactionUsers, "only the first users are named");
      }
    }
  }
  return 0;
}
