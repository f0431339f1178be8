#include "chat/fold.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <tuple>

#include <records.pb.h>

#include "chat/message_body.h"

namespace parley {
bool MessageFold::add(const Record& record) {
  switch (record.kind) {
    case RecordKind::kMessage: return add_message(record);
    case RecordKind::kEdit: return add_edit(record);
    case RecordKind::kRecall: messages_[record.about].recalled = true; return true;
    case RecordKind::kReaction: return add_reaction(record);
    case RecordKind::kMark:
    case RecordKind::kMember:
    case RecordKind::kGroup: break;
  }
  return true;
}

// A text is never empty but where a recall took it away. Then the message was recalled, even if the recall itself is
// not among the records.

bool MessageFold::add_message(const Record& record) {
  auto message = to_message(record, record.sender);
  if (!message) return false;
  Folded& folded = messages_[record.time];
  folded.recalled = folded.recalled || message->text.empty();
  if (!folded.message) folded.message = std::move(message);
  return true;
}

bool MessageFold::add_edit(const Record& record) {
  records::EditBody body;
  if (!body.ParseFromString(record.body)) return false;
  Folded& folded = messages_[record.about];
  folded.recalled = folded.recalled || body.text().empty();
  if (record.time <= folded.edit.time) return true;
  folded.edit = {.time = record.time,
                 .text = std::move(*body.mutable_text()),
                 .mentions = {body.mentions().begin(), body.mentions().end()},
                 .data = std::move(*body.mutable_data())};
  return true;
}

bool MessageFold::add_reaction(const Record& record) {
  records::ReactionBody body;
  if (!body.ParseFromString(record.body)) return false;
  Reacted& last = messages_[record.about].reactions[{record.sender, body.reaction()}];
  if (record.time > last.time) last = {record.time, body.removed()};
  return true;
}

std::vector<Message> MessageFold::messages(std::string_view reader) const {
  std::vector<Message> out;
  out.reserve(messages_.size());
  for (const auto& [time, folded] : messages_) {
    if (folded.message) out.push_back(seen(folded, reader));
  }
  return out;
}

Message MessageFold::seen(const Folded& folded, std::string_view reader) {
  Message message = *folded.message;
  MessageExtras extras;
  if (folded.recalled) {
    message.text = {};
    extras.recalled = true;
  } else {
    if (message.extras) extras = *message.extras;
    if (message.sender != reader) extras.idempotency_key.clear();
    if (folded.edit.time != 0) {
      message.text = folded.edit.text;
      extras.mentions = folded.edit.mentions;
      extras.data = folded.edit.data;
    }
    extras.reactions = reactions(folded, reader);
  }
  extras.edited_time = folded.edit.time;
  message.extras = extras == MessageExtras{} ? nullptr : std::make_shared<const MessageExtras>(std::move(extras));
  return message;
}

std::vector<Reaction> MessageFold::reactions(const Folded& folded, std::string_view reader) {
  using Place = std::tuple<std::int64_t, std::string_view, std::string_view>;  // time, user, text
  std::vector<Place> places;
  for (const auto& [who, reacted] : folded.reactions) {
    if (!reacted.removed && !who.second.empty()) places.emplace_back(reacted.time, who.first, who.second);
  }
  std::ranges::sort(places);
  std::vector<Reaction> out;
  std::map<std::string_view, std::size_t> counts;  // by user
  for (const auto& [time, user, text] : places) {
    auto found = std::ranges::find(out, text, &Reaction::reaction);
    if (counts[user] == kMaxReactionsOfUser || (found == out.end() && out.size() == kMaxReactionTexts)) continue;
    ++counts[user];
    if (found == out.end()) found = out.insert(out.end(), Reaction{.reaction = std::string(text)});
    ++found->count;
    if (found->users.size() < kShownReactionUsers) found->users.emplace_back(user);
    found->mine = found->mine || (user == reader && !reader.empty());
  }
  return out;
}

}  // namespace parley
