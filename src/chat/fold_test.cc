#include "chat/fold.h"

#include <algorithm>
#include <random>

#include <gmock/gmock.h>
#include <records.pb.h>

#include "chat/message_body.h"

namespace parley {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Record message(std::int64_t time, const std::string& text, const std::string& sender = "a") {
  const ChatId chat = ChatId::parse("a:b").value();
  return {RecordKind::kMessage, time, sender, 0, draft_of_message({chat, sender, text, "key"}).body};
}

Record edit(std::int64_t time, std::int64_t about, const std::string& text, const std::string& data = {},
            const std::vector<std::string>& mentions = {}) {
  records::EditBody body;
  body.set_text(text);
  body.set_data(data);
  for (const std::string& mention : mentions) body.add_mentions(mention);
  return {RecordKind::kEdit, time, "a", about, body.SerializeAsString()};
}

Record recall(std::int64_t time, std::int64_t about) { return {RecordKind::kRecall, time, "a", about, ""}; }

Record reaction(std::int64_t time, std::int64_t about, const std::string& user, const std::string& text,
                bool removed = false) {
  records::ReactionBody body;
  body.set_reaction(text);
  body.set_removed(removed);
  return {RecordKind::kReaction, time, user, about, body.SerializeAsString()};
}

std::vector<Message> fold(const std::vector<Record>& records, std::string_view reader = {}) {
  MessageFold all;
  for (const Record& record : records) EXPECT_TRUE(all.add(record));
  return all.messages(reader);
}

/// The only message of what these records say.
Message folded(const std::vector<Record>& records, std::string_view reader = {}) {
  const auto messages = fold(records, reader);
  EXPECT_EQ(messages.size(), 1U);
  return messages.at(0);
}

MessageExtras extras(const Message& message) { return message.extras ? *message.extras : MessageExtras{}; }

TEST(MessageFold, PlainMessagesStayAsTheyAre) {
  EXPECT_THAT(fold({message(1, "x"), message(2, "y", "b")}), ElementsAre(Message{"a", "x", 1}, Message{"b", "y", 2}));
  EXPECT_THAT(fold({}), IsEmpty());
}

TEST(MessageFold, AKeyIsShownToItsSenderAlone) {
  EXPECT_EQ(extras(folded({message(1, "x")}, "a")).idempotency_key, "key");
  EXPECT_EQ(folded({message(1, "x")}, "b").extras, nullptr);
  EXPECT_EQ(folded({message(1, "x")}, "").extras, nullptr);
}

TEST(MessageFold, TheLastEditCounts) {
  const Message seen = folded({message(1, "x"), edit(3, 1, "z", "3", {"b"}), edit(2, 1, "y", "2")});
  EXPECT_EQ(seen.text, "z");
  EXPECT_EQ(seen.send_time, 1);
  EXPECT_EQ(extras(seen), (MessageExtras{.edited_time = 3, .mentions = {"b"}, .data = "3"}));
}

TEST(MessageFold, AnEditLeavesTypeAndReplyAsTheyWere) {
  records::MessageBody body;
  body.set_text("x");
  body.set_reply_to(5);
  body.set_type("card");
  body.set_data("1");
  body.add_mentions("b");
  const Record card{RecordKind::kMessage, 7, "a", 0, body.SerializeAsString()};
  EXPECT_EQ(extras(folded({card, edit(8, 7, "y")})), (MessageExtras{.edited_time = 8, .reply_to = 5, .type = "card"}));
}

TEST(MessageFold, ARecalledMessageKeepsItsSenderAndTimesAlone) {
  const std::vector<Record> records = {message(1, "x"), edit(2, 1, "y", "data", {"b"}), reaction(3, 1, "b", "+"),
                                       recall(4, 1)};
  const Message seen = folded(records, "a");
  EXPECT_EQ(seen.sender, "a");
  EXPECT_EQ(seen.text, "");
  EXPECT_EQ(extras(seen), (MessageExtras{.edited_time = 2, .recalled = true}));
  auto edited_back = records;
  edited_back.push_back(edit(5, 1, "back"));
  edited_back.push_back(reaction(6, 1, "b", "!"));
  EXPECT_EQ(folded(edited_back).text, "");
  EXPECT_THAT(extras(folded(edited_back)).reactions, IsEmpty());
}

TEST(MessageFold, ATextThatWasTakenAwayIsARecall) {
  const Record taken{RecordKind::kMessage, 1, "a", 0, ""};
  EXPECT_EQ(folded({taken}), folded({message(1, "x"), recall(2, 1)}));
  EXPECT_EQ(folded({message(1, "x"), taken}).text, "");
  EXPECT_EQ(folded({taken, message(1, "x")}).text, "");
  EXPECT_TRUE(extras(folded({message(1, "x"), edit(2, 1, "")})).recalled);
}

TEST(MessageFold, ReactionsAreOfUserAndText) {
  const std::vector<Record> records = {
      message(1, "x"),          reaction(2, 1, "b", "+"),       reaction(3, 1, "a", "!"),
      reaction(4, 1, "a", "+"), reaction(5, 1, "c", "-"),       reaction(6, 1, "c", "-", true),
      reaction(7, 1, "b", "!"), reaction(8, 1, "b", "!", true), reaction(9, 1, "b", "!"),
  };
  EXPECT_THAT(extras(folded(records, "b")).reactions,
              ElementsAre(Reaction{"+", 2, {"b", "a"}, true}, Reaction{"!", 2, {"a", "b"}, true}));
  EXPECT_FALSE(extras(folded(records, "c")).reactions.at(0).mine);
  EXPECT_FALSE(extras(folded(records, "")).reactions.at(0).mine);
}

TEST(MessageFold, ReactionsAreWithinTheirLimits) {
  std::vector<Record> records = {message(1, "x")};
  std::int64_t time = 1;
  for (int user = 0; user < 12; ++user) records.push_back(reaction(++time, 1, "u" + std::to_string(user), "+"));
  EXPECT_EQ(extras(folded(records, "u11")).reactions.at(0).users.size(), kShownReactionUsers);
  EXPECT_EQ(extras(folded(records, "u11")).reactions.at(0).count, 12U);
  EXPECT_TRUE(extras(folded(records, "u11")).reactions.at(0).mine) << "also if the user is not among the first";

  for (int text = 0; text < 12; ++text) records.push_back(reaction(++time, 1, "many", "m" + std::to_string(text)));
  EXPECT_EQ(extras(folded(records)).reactions.size(), 1 + kMaxReactionsOfUser);

  for (int text = 0; text < 200; ++text) {
    records.push_back(reaction(++time, 1, "v" + std::to_string(text), std::to_string(text)));
  }
  EXPECT_EQ(extras(folded(records)).reactions.size(), kMaxReactionTexts);
}

TEST(MessageFold, OtherKindsSayNothingOfMessages) {
  for (const int kind : {0, 5, 6, 7, 8, 200, 255}) {
    EXPECT_THAT(fold({message(1, "x"), {static_cast<RecordKind>(kind), 2, "a", 1, "\xff\xff"}}),
                ElementsAre(Message{"a", "x", 1}));
  }
}

TEST(MessageFold, ChangesOfNoMessageShowNothing) {
  EXPECT_THAT(fold({edit(2, 1, "y"), recall(3, 1), reaction(4, 1, "b", "+")}), IsEmpty());
}

TEST(MessageFold, CorruptBodiesAreToldAndNotTaken) {
  MessageFold all;
  ASSERT_TRUE(all.add(message(1, "x")));
  for (const auto kind : {RecordKind::kMessage, RecordKind::kEdit, RecordKind::kReaction}) {
    EXPECT_FALSE(all.add({kind, 2, "a", 1, "\x0a\x05"}));
  }
  EXPECT_THAT(all.messages(), ElementsAre(Message{"a", "x", 1}));
}

// Properties

class RandomRecords {
 public:
  explicit RandomRecords(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_() % bound); }

  /// Of a few messages, with changes about them and about others.
  std::vector<Record> make() {
    std::vector<Record> records;
    const std::size_t count = 1 + below(30);
    for (std::size_t i = 0; i < count; ++i) {
      const auto time = static_cast<std::int64_t>(i + 1);
      const auto about = static_cast<std::int64_t>(1 + below(6));
      const std::string who(1, static_cast<char>('a' + below(3)));
      switch (below(i < 3 ? 1 : 12)) {
        case 0:
        case 1: records.push_back(message(time, "m" + std::to_string(i), who)); break;
        case 2:
        case 3:
        case 4: records.push_back(edit(time, about, "e" + std::to_string(i))); break;
        case 5: records.push_back(recall(time, about)); break;
        case 6: records.push_back({static_cast<RecordKind>(9), time, who, about, "new"}); break;
        default:
          records.push_back(
              reaction(time, about, who, std::string(1, static_cast<char>('0' + below(3))), below(3) == 0));
      }
    }
    return records;
  }

  std::vector<Record> shuffled(std::vector<Record> records) {
    std::ranges::shuffle(records, random_);
    return records;
  }

 private:
  std::mt19937_64 random_;
};

/// The same, said in another way: what happens to each message, one after the other.
std::vector<std::pair<std::int64_t, std::string>> texts_by_time(std::vector<Record> records) {
  std::ranges::sort(records, {}, &Record::time);
  std::map<std::int64_t, std::string> texts;
  for (const Record& record : records) {
    if (record.kind == RecordKind::kMessage) texts[record.time] = to_message(record)->text;
  }
  std::set<std::int64_t> recalled;
  for (const Record& record : records) {
    if (!texts.contains(record.about) || recalled.contains(record.about)) continue;
    if (record.kind == RecordKind::kEdit) {
      records::EditBody body;
      EXPECT_TRUE(body.ParseFromString(record.body));
      texts[record.about] = body.text();
    }
    if (record.kind == RecordKind::kRecall) {
      texts[record.about].clear();
      recalled.insert(record.about);
    }
  }
  return {texts.begin(), texts.end()};
}

TEST(MessageFold, NeitherOrderNorRepetitionMatters) {
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    RandomRecords random(seed);
    const auto records = random.make();
    const auto expected = fold(records, "a");
    EXPECT_EQ(fold(random.shuffled(records), "a"), expected) << seed;

    auto twice = records;
    for (const Record& record : records) {
      if (random.below(2) == 0) twice.push_back(record);
    }
    EXPECT_EQ(fold(random.shuffled(twice), "a"), expected) << seed;

    std::vector<std::pair<std::int64_t, std::string>> texts;
    for (const Message& one : expected) texts.emplace_back(one.send_time, one.text);
    EXPECT_EQ(texts, texts_by_time(records)) << seed;
  }
}

TEST(MessageFold, InTwoStepsItIsTheSameAsAtOnce) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    RandomRecords random(seed);
    const auto records = random.shuffled(random.make());
    const std::size_t cut = random.below(records.size() + 1);
    MessageFold first;
    for (std::size_t i = 0; i < cut; ++i) ASSERT_TRUE(first.add(records[i]));
    (void)first.messages("a");
    MessageFold second = first;
    for (std::size_t i = cut; i < records.size(); ++i) ASSERT_TRUE(second.add(records[i]));
    EXPECT_EQ(second.messages("a"), fold(records, "a")) << seed;
  }
}

TEST(MessageFold, WhatWasRecalledNeverShowsAgain) {
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    RandomRecords random(seed);
    const auto records = random.shuffled(random.make());
    std::set<std::int64_t> recalled;
    MessageFold all;
    for (const Record& record : records) {
      ASSERT_TRUE(all.add(record));
      if (record.kind == RecordKind::kRecall) recalled.insert(record.about);
      for (const Message& one : all.messages("a")) {
        const bool is_recalled = recalled.contains(one.send_time);
        EXPECT_EQ(one.text.empty(), is_recalled) << seed;
        if (is_recalled) {
          EXPECT_EQ(extras(one), (MessageExtras{.edited_time = extras(one).edited_time, .recalled = true}));
        }
      }
    }
  }
}

}  // namespace
}  // namespace parley
