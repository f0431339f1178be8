#include "chat/message_body.h"

#include <random>

#include <gtest/gtest.h>
#include <records.pb.h>

#include "chat/text.h"

namespace parley {
namespace {

Draft draft(std::string text, std::string key = {}) {
  return {ChatId::parse("a:b").value(), "a", std::move(text), std::move(key)};
}

Record record_of(std::string body) {
  return {.kind = RecordKind::kMessage, .time = 7, .sender = "a", .about = 0, .body = std::move(body)};
}

/// A body that the generated class writes.
std::string generated(const std::string& text, const std::string& key, std::int64_t reply_to = 0,
                      const std::vector<std::string>& mentions = {}, const std::string& type = {},
                      const std::string& data = {}) {
  records::MessageBody body;
  body.set_text(text);
  body.set_idempotency_key(key);
  body.set_reply_to(reply_to);
  for (const std::string& mention : mentions) body.add_mentions(mention);
  body.set_type(type);
  body.set_data(data);
  return body.SerializeAsString();
}

/// Texts whose lengths have one, two, three and four bytes, and those at the borders.
std::vector<std::string> texts() {
  std::vector<std::string> all = {"x", std::string("\0a\n\x12", 4), "é\u65e5"};
  for (const std::size_t size : {127U, 128U, 16383U, 16384U, 65536U, 2097151U, 2097152U}) all.emplace_back(size, 't');
  return all;
}

TEST(MessageBody, IsWhatTheGeneratedClassWrites) {
  for (const std::string& text : texts()) {
    for (const std::string& key : {std::string(), std::string("k"), std::string(128, 'k')}) {
      const RecordDraft record = draft_of_message(draft(text, key));
      EXPECT_EQ(record.kind, RecordKind::kMessage);
      EXPECT_EQ(record.sender, "a");
      EXPECT_EQ(record.about, 0);
      EXPECT_TRUE(record.body == generated(text, key)) << text.size();
    }
  }
}

// A store tells a repeat by these bytes, which another version may have written: they are the same for ever.
TEST(MessageBody, TheBytesAreTheFormat) {
  const std::string plain("\n\4text\x12\3key", 11);
  EXPECT_EQ(draft_of_message(draft("text", "key")).body, plain);
  EXPECT_EQ(draft_of_message(draft("text")).body, plain.substr(0, 6));
  EXPECT_EQ(generated("text", "key", 300, {"b", "a"}, "image", "{}"),
            plain + "\x18\xac\x02" + "\"\1b" + "\"\1a" + "*\5image" + "2\2{}");
}

TEST(MessageBody, ComesBackAsItWasAndTheKeyToItsSenderAlone) {
  for (const std::string& text : texts()) {
    for (const std::string& key : {std::string(), std::string("key")}) {
      const std::string body = draft_of_message(draft(text, key)).body;
      EXPECT_TRUE(to_message(record_of(body)) == (Message{"a", text, 7}));
      EXPECT_TRUE(to_message(record_of(body), "b") == (Message{"a", text, 7}));
      const auto own = to_message(record_of(body), "a");
      ASSERT_TRUE(own);
      EXPECT_EQ(own->extras ? own->extras->idempotency_key : "", key);
      EXPECT_EQ(own->extras != nullptr, !key.empty());
      EXPECT_EQ(page_bytes(RecordKind::kMessage, body), text.size());
    }
  }
}

TEST(MessageBody, MayHaveMoreThanPlainMessages) {
  const std::string body = generated("text", "key", 5, {"b", "a"}, "image", R"({"w":1})");
  const auto message = to_message(record_of(body), "b");
  ASSERT_TRUE(message && message->extras);
  EXPECT_EQ(message->text, "text");
  EXPECT_EQ(*message->extras,
            (MessageExtras{.reply_to = 5, .mentions = {"b", "a"}, .type = "image", .data = R"({"w":1})"}));
  EXPECT_EQ(to_message(record_of(body), "a")->extras->idempotency_key, "key");
  EXPECT_EQ(page_bytes(RecordKind::kMessage, body), 4U);
}

TEST(MessageBody, FieldsOfLaterVersionsAreSkipped) {
  const std::string later("\xfa\x01\x01z\x38\x07", 6);  // field 31 with a string, field 7 with a number
  EXPECT_EQ(to_message(record_of(generated("text", "key") + later)), (Message{"a", "text", 7}));
  EXPECT_EQ(to_message(record_of(later + generated("text", "key"))), (Message{"a", "text", 7}));
}

TEST(MessageBody, WhatWasTakenAwayHasNoText) {
  EXPECT_EQ(to_message(record_of("")), (Message{"a", "", 7}));
  EXPECT_EQ(page_bytes(RecordKind::kMessage, ""), 0U);
}

TEST(MessageBody, ATextKeepsTheRecordThatItLiesIn) {
  const std::string text(100, 'x');
  std::vector<Message> messages;
  {
    const auto record = std::make_shared<const Record>(
        Record{.kind = RecordKind::kMessage, .time = 5, .sender = "a", .body = draft_of_message("a", text, "").body});
    ASSERT_TRUE(append_message(*record, {}, record, messages));
  }
  EXPECT_EQ(messages.at(0).text, text);
  const SharedText taken = std::move(messages.at(0).text);
  EXPECT_EQ(messages.at(0).text, "");  // NOLINT(bugprone-use-after-move): it is empty then
  messages.clear();
  EXPECT_EQ(taken, text);
}

TEST(MessageBody, OtherKindsCountWhole) {
  for (const auto kind : {RecordKind::kEdit, RecordKind::kReaction, static_cast<RecordKind>(200)}) {
    EXPECT_EQ(page_bytes(kind, draft_of_message(draft("text")).body), 6U);
  }
}

TEST(MessageBody, CorruptBytesAreNoMessage) {
  for (const char* const body :
       {"\x0a", "\x0a\x05text", "\x0a\xff\xff\xff\xff\xff", "\x0a\x01x\x12", "\x0a\x01x\x12\x02k", "\x07", "\xff"}) {
    EXPECT_FALSE(to_message(record_of(body))) << testing::PrintToString(body);
    EXPECT_LE(page_bytes(RecordKind::kMessage, body), std::string_view(body).size());
  }
}

/// Whatever the bytes are, the generated class reads the same.
TEST(MessageBody, IsReadAsTheGeneratedClassReadsIt) {
  std::mt19937_64 random(1);
  const auto below = [&](std::size_t bound) { return static_cast<std::size_t>(random() % bound); };
  const std::string pieces[] = {generated("text", ""),     generated("", "key"),        generated("t", "k"),
                                generated("", "", 9),      generated("", "", 0, {"m"}), std::string("\xfa\x01\x01z", 4),
                                std::string("\x0a\x00", 2)};
  for (int round = 0; round < 20'000; ++round) {
    std::string body;
    for (std::size_t n = below(4); n > 0; --n) body += pieces[below(std::size(pieces))];
    if (!body.empty() && below(2) == 0) body[below(body.size())] = static_cast<char>(random() & 0x7F);
    if (below(4) == 0) body.resize(below(body.size() + 1));
    records::MessageBody expected;
    const bool readable = expected.ParseFromString(body);
    const auto message = to_message(record_of(body), "a");
    const MessageExtras extras = message && message->extras ? *message->extras : MessageExtras{};
    // By hand nobody looks whether it is UTF-8: that was done before it was stored.
    if (message && !(is_utf8(message->text) && is_utf8(extras.idempotency_key))) continue;
    ASSERT_EQ(message.has_value(), readable) << testing::PrintToString(body);
    if (!message) continue;
    EXPECT_EQ(message->text, expected.text());
    EXPECT_EQ(extras.idempotency_key, expected.idempotency_key());
    EXPECT_EQ(extras.reply_to, expected.reply_to());
    EXPECT_EQ(extras.mentions.size(), static_cast<std::size_t>(expected.mentions_size()));
    EXPECT_EQ(message->extras != nullptr, extras != MessageExtras{});
  }
}

}  // namespace
}  // namespace parley
