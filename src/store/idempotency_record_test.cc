#include "store/idempotency_record.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "chat/message_body.h"

namespace parley::store {
namespace {

TEST(IdempotencyRecordTest, TheHashTellsRecordsApartThatSaySomethingElse) {
  const RecordDraft record{.kind = RecordKind::kEdit, .sender = "a", .about = 7, .body = "body"};
  EXPECT_EQ(hash_record(record, {}), hash_record(RecordDraft(record), {}));
  RecordDraft other = record;
  other.kind = RecordKind::kReaction;
  EXPECT_NE(hash_record(other, {}), hash_record(record, {}));
  other = record;
  other.about = 8;
  EXPECT_NE(hash_record(other, {}), hash_record(record, {}));
  other = record;
  other.body = "Body";
  EXPECT_NE(hash_record(other, {}), hash_record(record, {}));
}

TEST(IdempotencyRecordTest, AMessageIsHashedWithoutItsKey) {
  const std::string text(100, 'x');
  const RecordDraft plain = draft_of_message("a", text, {});
  const std::string long_key(128, 'k');
  for (const std::string_view key : {std::string_view("k"), std::string_view(long_key)}) {
    const RecordDraft keyed = draft_of_message("a", text, key);
    EXPECT_NE(keyed.body, plain.body);
    EXPECT_EQ(hash_record(keyed, key), hash_record(plain, key));
    EXPECT_NE(hash_record(keyed, "other"), hash_record(plain, "other"));
    EXPECT_NE(hash_record(draft_of_message("a", text + std::string(key), key), key), hash_record(keyed, key));
  }
  // What only looks like a key is part of what is said.
  RecordDraft other = plain;
  other.body += "k";
  EXPECT_NE(hash_record(other, "k"), hash_record(plain, "k"));
  other.body = plain.body + "\x1a\x01k";
  EXPECT_NE(hash_record(other, "k"), hash_record(plain, "k"));
  other = draft_of_message("a", text, "k");
  other.kind = RecordKind::kEdit;
  RecordDraft edit = plain;
  edit.kind = RecordKind::kEdit;
  EXPECT_NE(hash_record(other, "k"), hash_record(edit, "k"));
}

TEST(IdempotencyRecordTest, AKeyBelongsToItsSenderAndChat) {
  const ChatId chat = ChatId::parse("a:b").value();
  EXPECT_EQ(idempotency_key_of(chat, "a", "key"), std::string("a:b\0a\0key", 9));
}

}  // namespace
}  // namespace parley::store
