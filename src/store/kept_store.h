// What kept stores hold. Each engine that keeps a store has one for every format since the first release, as a version
// made it. Every later version opens it, and finds in it what is said here.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include "store/store_fixture.h"

namespace parley::store {

/// The test opens `store_`, and keeps it.
class KeptStoreFixture : public StoreFixture {
 protected:
  /// What the clock shows when a kept store is opened.
  static constexpr std::int64_t kOpened = kStart + 3 * std::int64_t{3'600'000'000};

  /// Fills an empty store.
  void fill();
  /// Has the index rows of a chat raised again, with and without remembering them, for others than before.
  void raise_again();
  /// Looks for what fill() put into a store, and raise_again() if it did; and stores something new.
  void look(bool raised_again = false);

 private:
  static constexpr std::int64_t kThird = kStart + 2 * std::int64_t{3'600'000'000};
  static constexpr std::int64_t kFourth = kThird + 2 * kIndexGrain;
  static constexpr std::int64_t kFifth = kFourth + 2 * kIndexGrain;

  /// Two records, two rows, and an audience that has another member.
  static Change change();

  const TableId user_table_{TableId::Of::kUser, "alice"};
  const TableId chat_table_{TableId::Of::kChat, "alice:bob"};
};

inline Change KeptStoreFixture::change() {
  Change out{.chat = chat_of("alice:bob"), .records = {}, .idempotency_key = "key 2"};
  out.records.push_back({.kind = RecordKind::kEdit, .sender = "alice", .about = kStart, .body = "edit"});
  out.records.push_back({.kind = static_cast<RecordKind>(200), .sender = "carol", .about = 0, .body = "later"});
  out.rows = {{"row 1", "value"}, {"row 2", std::string("\0\xff", 2)}};
  out.audience = {"carol"};
  return out;
}

inline void KeptStoreFixture::fill() {
  now_ = kStart;
  EXPECT_EQ(stored("alice:bob", "alice", "first", "key 1"), kStart);
  EXPECT_EQ(stored("alice:bob", "bob", std::string("zweite\0\n😀", 12), ""), kStart + 1);
  const auto changed = append(change());
  ASSERT_TRUE(changed) << changed.error().detail;
  EXPECT_EQ(changed->send_time, kStart + 2);
  now_ = kThird;
  EXPECT_EQ(stored("alice:zoë", "zoë", "third"), kThird);
  const auto written = write(user_table_, {{"of the user", "value"}});
  ASSERT_TRUE(written) << written.error().detail;
  EXPECT_FALSE(written->refused);
}

inline void KeptStoreFixture::raise_again() {
  now_ = kFourth;
  Change fourth{.chat = chat_of("alice:bob"), .records = {draft_of_message("bob", "fourth", "")}};
  fourth.audience = {"dave"};
  const auto appended = append(std::move(fourth));
  ASSERT_TRUE(appended) << appended.error().detail;
  EXPECT_EQ(appended->send_time, kFourth);
  now_ = kFifth;
  EXPECT_EQ(stored("alice:bob", "bob", "fifth"), kFifth);
}

inline void KeptStoreFixture::look(bool raised_again) {
  using testing::ElementsAre;
  using testing::ElementsAreArray;
  now_ = kOpened;
  EXPECT_EQ(store_->id().size(), 32U);

  std::vector<testing::Matcher<Record>> expected{testing::Field(&Record::time, kStart),
                                                 testing::Field(&Record::time, kStart + 1),
                                                 Record{RecordKind::kEdit, kStart + 2, "alice", kStart, "edit"},
                                                 Record{static_cast<RecordKind>(200), kStart + 3, "carol", 0, "later"}};
  std::vector<std::string> expected_texts{"first", std::string("zweite\0\n😀", 12)};
  if (raised_again) {
    expected.insert(expected.end(), {testing::Field(&Record::time, kFourth), testing::Field(&Record::time, kFifth)});
    expected_texts.insert(expected_texts.end(), {"fourth", "fifth"});
  }
  EXPECT_THAT(records("alice:bob"), ElementsAreArray(expected));
  const auto page = read("alice:bob");
  ASSERT_TRUE(page) << page.error().detail;
  ASSERT_EQ(page->records.size(), expected_texts.size());
  const auto first = to_message(page->records[0], "alice");
  ASSERT_TRUE(first);
  EXPECT_EQ(first->sender, "alice");
  EXPECT_EQ(first->text, "first");
  ASSERT_TRUE(first->extras);
  EXPECT_EQ(first->extras->idempotency_key, "key 1");
  EXPECT_EQ(to_message(page->records[1]), (Message{"bob", std::string("zweite\0\n😀", 12), kStart + 1}));
  EXPECT_THAT(texts("alice:zoë"), ElementsAre("third"));

  EXPECT_THAT(all_rows(chat_table_), ElementsAre(Row{"row 1", "value"}, Row{"row 2", std::string("\0\xff", 2)}));
  EXPECT_THAT(all_rows(user_table_), ElementsAre(Row{"of the user", "value"}));

  // The lanes, and who has which chats, the newest first.
  std::vector<std::int64_t> clocks(store_->lanes());
  std::vector<std::vector<std::string>> followed(store_->lanes());
  std::vector<std::pair<std::string, std::int64_t>> newest_first{{"alice:zoë", kThird}, {"alice:bob", kStart + 3}};
  if (raised_again) newest_first = {{"alice:bob", kFifth}, {"alice:zoë", kThird}};
  std::vector<std::string> of_alice;
  for (const auto& [chat, time] : newest_first) {
    const std::size_t lane = store_->lane_of(chat);
    clocks.at(lane) = std::max(clocks.at(lane), time);
    followed.at(lane).emplace_back(chat);
    of_alice.push_back(chat);
  }
  std::vector<std::pair<std::string, std::vector<std::string>>> indices{
      {"alice", of_alice}, {"bob", {"alice:bob"}}, {"zoë", {"alice:zoë"}}, {"carol", {"alice:bob"}}};
  if (raised_again) indices.push_back({"dave", {"alice:bob"}});
  for (std::size_t lane = 0; lane < followed.size(); ++lane) indices.emplace_back(follower_of(lane), followed[lane]);
  for (const auto& [user, chats] : indices) {
    std::vector<std::string> found;
    for (const IndexRow& row : whole_index(user)) {
      found.push_back(row.chat);
      std::int64_t last = row.chat == newest_first[0].first ? newest_first[0].second : newest_first[1].second;
      if (user == "carol") last = kStart + 3;
      if (user == "dave") last = kFourth;
      EXPECT_GE(row.time, last - kIndexGrain) << user;
    }
    EXPECT_EQ(found, chats) << user;
  }
  const auto newest = run(store_->clocks(Clocks::kNewest, kNoDeadline));
  ASSERT_TRUE(newest) << newest.error().detail;
  ASSERT_EQ(newest->size(), clocks.size());
  for (std::size_t lane = 0; lane < clocks.size(); ++lane) {
    if (clocks[lane] != 0) EXPECT_EQ((*newest)[lane], clocks[lane]) << lane;  // others may have one of a table
  }

  // A repeat may raise index rows, too.
  const auto repeat = append("alice:bob", "alice", "first", "key 1");
  ASSERT_TRUE(repeat) << repeat.error().detail;
  EXPECT_TRUE(repeat->duplicate);
  EXPECT_EQ(repeat->send_time, kStart);
  const auto changed = append(change());
  ASSERT_TRUE(changed) << changed.error().detail;
  EXPECT_TRUE(changed->duplicate);
  EXPECT_EQ(changed->send_time, kStart + 2);
  EXPECT_EQ(code_of(append("alice:bob", "alice", "another", "key 1")), ErrorCode::kIdempotencyConflict);
  Change other = change();
  other.records[0].body = "another";
  EXPECT_EQ(code_of(append(std::move(other))), ErrorCode::kIdempotencyConflict);

  EXPECT_EQ(stored("alice:bob", "bob", "new", "key 3"), kOpened);
  expected_texts.emplace_back("new");
  EXPECT_THAT(texts("alice:bob"), ElementsAreArray(expected_texts));
}

}  // namespace parley::store
