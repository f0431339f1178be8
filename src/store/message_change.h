// A message as a change of its chat.
#pragma once

#include <utility>

#include "chat/message_body.h"
#include "store/message_store.h"

namespace parley::store {

/// What appends the message.
[[nodiscard]] inline Change change_of(Draft draft) {
  RecordDraft record = draft_of_message(std::move(draft.sender), draft.text, draft.idempotency_key);
  Change change{.chat = std::move(draft.chat), .records = {}, .idempotency_key = std::move(draft.idempotency_key)};
  change.records.push_back(std::move(record));
  return change;
}

}  // namespace parley::store
