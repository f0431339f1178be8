// What every store's log must do with records of any kind, and with rows that change in the same step, said in tests.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "store/store_contract.h"

namespace parley::store {

class RecordContract : public StoreContract {
 protected:
  static Change change(std::vector<RecordDraft> records, std::string key = {}, std::vector<RowWrite> rows = {}) {
    Change out{.chat = chat_of("a:b"), .records = {}, .idempotency_key = std::move(key), .rows = std::move(rows)};
    for (RecordDraft& record : records) out.records.push_back(std::move(record));
    return out;
  }
  static RecordDraft message(std::string text) {
    return draft_of_message({chat_of("a:b"), "a", std::move(text), std::string()});
  }
  static RecordDraft edit(std::string body, std::int64_t about = 7) {
    return {.kind = RecordKind::kEdit, .sender = "b", .about = about, .body = std::move(body)};
  }
  std::vector<Row> table() { return all_rows({.name = "a:b"}); }
  /// The time of a change that must be stored.
  std::int64_t done(Change what) {
    const auto appended = append(std::move(what));
    EXPECT_TRUE(appended) << appended.error().detail;
    EXPECT_FALSE(appended && (appended->duplicate || appended->refused));
    return appended ? appended->send_time : 0;
  }
};

// Kinds

TEST_P(RecordContract, RecordsOfEveryKindComeBackAsTheyWere) {
  std::vector<RecordDraft> drafts = {message("text"), edit("", 0), edit(std::string("\0\xff", 2), kMaxSendTime)};
  for (const int kind : {3, 4, 5, 6, 7, 8, 200, 255}) {
    drafts.push_back({.kind = static_cast<RecordKind>(kind), .sender = "a", .about = kind, .body = "body"});
  }
  for (const std::string& sender : {std::string("c"), std::string(), std::string(64, 's')}) {
    drafts.push_back({.kind = RecordKind::kMember, .sender = sender, .about = 0, .body = "of the chat or not"});
  }
  drafts.push_back(edit(std::string(std::size_t{200} << 10, 'x')));
  const std::int64_t first = done(change(drafts));
  const std::vector<Record> found = records("a:b");
  ASSERT_EQ(found.size(), drafts.size());
  for (std::size_t i = 0; i < drafts.size(); ++i) {
    const RecordDraft& draft = drafts[i];
    EXPECT_EQ(found[i],
              (Record{draft.kind, first + static_cast<std::int64_t>(i), draft.sender, draft.about, draft.body}))
        << i;
  }
}

TEST_P(RecordContract, PagesOfMessagesSkipOtherKinds) {
  for (int i = 0; i < 3; ++i) {
    done(change({edit("e"),
                 message(std::to_string(i)),
                 {.kind = static_cast<RecordKind>(99), .sender = "a", .about = 0, .body = ""}}));
  }
  EXPECT_THAT(texts("a:b"), ElementsAre("0", "1", "2"));
  EXPECT_THAT(texts("a:b", {.reverse = true}), ElementsAre("2", "1", "0"));
  EXPECT_THAT(texts("a:b", {.limit = 2}), ElementsAre("0", "1"));
  EXPECT_TRUE(read("a:b", {.limit = 2})->has_more);
  EXPECT_FALSE(read("a:b", {.limit = 3})->has_more);  // what follows is no message
  EXPECT_FALSE(read("a:b", {.limit = 3, .reverse = true})->has_more);
  EXPECT_EQ(records("a:b").size(), 9U);
}

TEST_P(RecordContract, BytesOfAPageAreThoseOfTextsAndOfOtherBodies) {
  done(change({message("12345"), edit("1234567890"), message("12345")}));
  const auto size = [this](std::size_t bytes) {
    return run(store_->read(chat_of("a:b"), {{.max_bytes = bytes}, true}, kNoDeadline))->records.size();
  };
  EXPECT_EQ(size(1), 1U);
  EXPECT_EQ(size(14), 1U);
  EXPECT_EQ(size(15), 2U);
  EXPECT_EQ(size(19), 2U);
  EXPECT_EQ(size(20), 3U);
}

TEST_P(RecordContract, ARangeEndsBeforeItsEnd) {
  for (const RecordDraft& draft : {message("one"), edit("two"), message("three"), message("four")}) {
    done(change({draft}));
    now_ += 10;
  }
  const std::vector<Record> all = records("a:b");
  ASSERT_EQ(all.size(), 4U);
  const auto range = [&](RecordRange asked) {
    const auto page = run(store_->read(chat_of("a:b"), asked, kNoDeadline));
    EXPECT_TRUE(page) << page.error().detail;
    return page.value_or(RecordPage{});
  };
  for (std::size_t from = 0; from < all.size(); ++from) {
    for (std::size_t end = from; end < all.size(); ++end) {
      const std::vector<Record> between(&all[from], &all[end]);
      const RecordPage page = range({.page = {.cursor = all[from].time}, .all_kinds = true, .end = all[end].time});
      EXPECT_EQ(page.records, between);
      EXPECT_FALSE(page.has_more);
      std::vector<Record> back(&all[from] + 1, &all[end] + 1);
      std::ranges::reverse(back);
      const PageRange newest{.cursor = all[end].time, .reverse = true};
      EXPECT_EQ(range({.page = newest, .all_kinds = true, .end = all[from].time}).records, back);
    }
  }
  // More of the range, and none beyond it.
  EXPECT_TRUE(range({.page = {.limit = 1}, .all_kinds = true, .end = all[2].time}).has_more);
  EXPECT_FALSE(range({.page = {.limit = 2}, .all_kinds = true, .end = all[2].time}).has_more);
  EXPECT_FALSE(range({.page = {.limit = 1}, .all_kinds = false, .end = all[2].time}).has_more);
  EXPECT_TRUE(range({.page = {.limit = 1, .reverse = true}, .all_kinds = true, .end = all[1].time}).has_more);
  EXPECT_FALSE(range({.page = {.limit = 2, .reverse = true}, .all_kinds = true, .end = all[1].time}).has_more);
  // An end before the cursor, or of a chat without records: nothing.
  EXPECT_THAT(range({.page = {.cursor = all[2].time}, .all_kinds = true, .end = all[0].time}).records, IsEmpty());
  const auto none = run(store_->read(chat_of("a:c"), {.page = {}, .all_kinds = true, .end = all[0].time}, kNoDeadline));
  ASSERT_TRUE(none) << none.error().detail;
  EXPECT_THAT(none->records, IsEmpty());
}

TEST_P(RecordContract, AChatWithoutMessagesIsThere) {
  done(change({edit("body")}));
  const auto page = read("a:b");
  ASSERT_TRUE(page) << page.error().detail;
  EXPECT_THAT(page->records, IsEmpty());
  EXPECT_FALSE(page->has_more);
}

// One step

TEST_P(RecordContract, RecordsAndRowsAreOneStep) {
  const std::int64_t time = done(change({message("1"), edit("2"), message("3")}, "key", {{"r1", "v1"}, {"r2", "v2"}}));
  EXPECT_EQ(records("a:b").size(), 3U);
  EXPECT_THAT(table(), ElementsAre(Row{"r1", "v1"}, Row{"r2", "v2"}));
  EXPECT_GT(done(change({message("4")}, "", {{"r1", std::nullopt}, {"r3", ""}})), time + 2);
  EXPECT_THAT(table(), ElementsAre(Row{"r2", "v2"}, Row{"r3", ""}));
}

TEST_P(RecordContract, ARefusedChangeStoresNothingAndLeavesNoKey) {
  const std::int64_t before = done(change({message("before")}, "", {{"r1", "v1"}}));
  const auto refused = append(
      change({message("1"), edit("2")}, "key", {{"r0", "new"}, {"r1", "w1", RowWrite::If::kAbsent}, {"r2", "new"}}));
  ASSERT_TRUE(refused) << refused.error().detail;
  EXPECT_TRUE(refused->refused);
  EXPECT_FALSE(refused->duplicate);
  EXPECT_THAT(texts("a:b"), ElementsAre("before"));
  EXPECT_EQ(records("a:b").size(), 1U);
  EXPECT_THAT(table(), ElementsAre(Row{"r1", "v1"}));
  EXPECT_GT(done(change({message("something else")}, "key")), before);
}

TEST_P(RecordContract, ARefusedFirstChangeLeavesNoChat) {
  EXPECT_TRUE(append(change({message("1")}, "", {{"r", "v", RowWrite::If::kEquals, "w"}}))->refused);
  EXPECT_EQ(code_of(read("a:b")), ErrorCode::kChatNotFound);
  EXPECT_THAT(table(), IsEmpty());
}

TEST_P(RecordContract, ARepeatIsOneWhateverItsRows) {
  const auto what = [](std::string value) {
    return change({message("1"), edit("2")}, "key", {{"r", std::move(value), RowWrite::If::kAbsent}});
  };
  const std::int64_t time = done(what("v"));
  const auto repeat = append(what("w"));
  ASSERT_TRUE(repeat) << repeat.error().detail;
  EXPECT_TRUE(repeat->duplicate);
  EXPECT_FALSE(repeat->refused);
  EXPECT_EQ(repeat->send_time, time);
  EXPECT_EQ(records("a:b").size(), 2U);
  EXPECT_THAT(table(), ElementsAre(Row{"r", "v"}));
}

TEST_P(RecordContract, AKeyWithAnotherRecordIsAConflict) {
  done(change({edit("body", 7)}, "key"));
  RecordDraft other_kind = edit("body", 7);
  other_kind.kind = RecordKind::kReaction;
  for (const RecordDraft& other : {other_kind, edit("Body", 7), edit("body", 8)}) {
    EXPECT_EQ(code_of(append(change({other}, "key"))), ErrorCode::kIdempotencyConflict);
  }
  EXPECT_TRUE(append(change({edit("body", 7)}, "key"))->duplicate);
  EXPECT_EQ(records("a:b").size(), 1U);
}

TEST_P(RecordContract, AKeyIsNotTakenForWhatStandsBehindIt) {
  const auto body = [](std::string text, const std::vector<std::string>& mentions) {  // protobuf: MessageBody
    std::string out = "\x0a" + std::string(1, static_cast<char>(text.size())) + text + "\x12\3bob";
    for (const std::string& one : mentions) out += "\x22" + std::string(1, static_cast<char>(one.size())) + one;
    return RecordDraft{.sender = "a", .body = std::move(out)};
  };
  done(change({body("1", {})}, "bob"));
  EXPECT_EQ(code_of(append(change({body("2", {"bob"})}, "bob"))), ErrorCode::kIdempotencyConflict);
  EXPECT_EQ(code_of(append(change({body("1", {"bob"})}, "bob"))), ErrorCode::kIdempotencyConflict);
  EXPECT_TRUE(append(change({body("1", {})}, "bob"))->duplicate);
}

TEST_P(RecordContract, OfConcurrentChangesOnOneConditionOneIsStored) {
  std::vector<std::future<Result<Appended>>> pending;
  for (std::size_t i = 0; i < 30; ++i) {
    pending.push_back(
        start(store_->append(change({message(std::to_string(i))}, i % 2 == 0 ? "key" + std::to_string(i) : "",
                                    {{"r", std::to_string(i), RowWrite::If::kAbsent}}),
                             kNoDeadline),
              i % loops_.size()));
  }
  std::vector<std::string> winners;
  for (std::size_t i = 0; i < pending.size(); ++i) {
    const auto appended = pending[i].get();
    ASSERT_TRUE(appended) << appended.error().detail;
    if (!appended->refused) winners.push_back(std::to_string(i));
  }
  ASSERT_EQ(winners.size(), 1U);
  EXPECT_EQ(texts("a:b"), winners);
  EXPECT_THAT(table(), ElementsAre(Row{"r", winners[0]}));
}

TEST_P(RecordContract, NoStepIsLostBetweenALookAndAWrite) {
  // Writers that count in a row, each step with a record: as many steps as records.
  constexpr int kSteps = 40;
  const auto count = [this](std::size_t loop) {
    for (int step = 0; step < kSteps;) {
      const auto now = rows({.name = "a:b"}, {}, loop);
      ASSERT_TRUE(now) << now.error().detail;
      const bool fresh = now->rows.empty();
      const int value = fresh ? 0 : std::stoi(now->rows[0].value);
      RowWrite next{"count", std::to_string(value + 1), fresh ? RowWrite::If::kAbsent : RowWrite::If::kEquals,
                    fresh ? "" : now->rows[0].value};
      const auto appended = append(change({message(next.value.value())}, "", {next}), loop);
      ASSERT_TRUE(appended) << appended.error().detail;
      if (!appended->refused) ++step;
    }
  };
  std::vector<std::thread> writers;
  for (std::size_t loop = 0; loop < loops_.size(); ++loop) writers.emplace_back(count, loop);
  for (std::thread& writer : writers) writer.join();
  const int total = kSteps * static_cast<int>(loops_.size());
  EXPECT_THAT(table(), ElementsAre(Row{"count", std::to_string(total)}));
  std::vector<std::string> expected;
  for (int i = 1; i <= total; ++i) expected.push_back(std::to_string(i));
  EXPECT_EQ(texts("a:b"), expected);
}

TEST_P(RecordContract, PastItsDeadlineNoPartIsDone) {
  const Deadline past = in(std::chrono::milliseconds(-1));
  EXPECT_EQ(code_of(run(store_->append(change({message("late")}, "key", {{"r", "v"}}), past))), ErrorCode::kOverloaded);
  EXPECT_EQ(code_of(read("a:b")), ErrorCode::kChatNotFound);
  EXPECT_THAT(table(), IsEmpty());
}

}  // namespace parley::store
