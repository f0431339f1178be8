// What every store's index and clocks must do, said in tests.
#pragma once

#include <atomic>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "store/store_contract.h"

namespace parley::store {

class IndexContract : public StoreContract {
 protected:
  static constexpr std::int64_t kMinute = 60'000'000;
  static constexpr std::int64_t kHour = 60 * kMinute;

  /// The time of a message to whose chat others listen too.
  std::int64_t stored_for(std::string_view chat, std::vector<std::string> audience) {
    Change change = change_of({chat_of(chat), std::string(chat_of(chat).first()), "text", ""});
    change.audience = std::move(audience);
    const auto appended = append(std::move(change));
    EXPECT_TRUE(appended) << appended.error().detail;
    return appended ? appended->send_time : 0;
  }
  std::string follower_of_chat(std::string_view chat) { return follower_of(store_->lane_of(chat)); }
  /// The time of the one row that this index must have for the chat.
  std::int64_t row_time(const std::string& user, const std::string& chat) {
    std::int64_t time = 0;
    int found = 0;
    for (const IndexRow& row : whole_index(user)) {
      if (row.chat != chat) continue;
      ++found;
      time = row.time;
    }
    EXPECT_EQ(found, 1) << user << " of " << chat;
    return time;
  }
  static std::vector<std::string> chats_of(const std::vector<IndexRow>& rows) {
    std::vector<std::string> out;
    for (const IndexRow& row : rows) out.push_back(row.chat);
    return out;
  }
  static bool newest_first(const std::vector<IndexRow>& rows) {
    return std::ranges::is_sorted(rows, [](const IndexRow& one, const IndexRow& other) {
      return std::pair(one.time, one.chat) > std::pair(other.time, other.chat);
    });
  }
  std::int64_t clock_of(std::string_view chat, Clocks which, std::size_t loop = 0) {
    const auto all = run(store_->clocks(which, kNoDeadline), loop);
    EXPECT_TRUE(all) << all.error().detail;
    EXPECT_EQ(all ? all->size() : 0, store_->lanes());
    return all ? all->at(store_->lane_of(chat)) : 0;
  }
};

// Rows

TEST_P(IndexContract, BothMembersAndTheLanesFollowersAreTold) {
  const std::int64_t time = stored("a:b", "a", "text");
  for (const std::string& user : {std::string("a"), std::string("b"), follower_of_chat("a:b")}) {
    EXPECT_GE(row_time(user, "a:b"), time - kIndexGrain) << user;
  }
  EXPECT_THAT(whole_index("c"), IsEmpty());
  EXPECT_THAT(whole_index("a:b"), IsEmpty());
}

TEST_P(IndexContract, AClockThatHasJustBegunKeepsNothingFromBeingTold) {
  for (const std::int64_t now : {std::int64_t{5}, kMinute, kIndexGrain}) {
    now_ = now;
    const std::string chat = "a:b" + std::to_string(now);
    stored(chat, "a", "text");
    for (const std::string& user : {std::string("a"), follower_of_chat(chat)}) row_time(user, chat);
  }
}

TEST_P(IndexContract, NotesToOneselfAreOneRow) {
  stored("a:a", "a", "text");
  EXPECT_THAT(chats_of(whole_index("a")), ElementsAre("a:a"));
}

TEST_P(IndexContract, AGivenAudienceIsToldToo) {
  const std::int64_t first = stored_for("a:b", {"c", "d"});
  for (const std::string user : {"a", "b", "c", "d"}) EXPECT_GE(row_time(user, "a:b"), first - kIndexGrain) << user;
  now_ += kHour;
  const std::int64_t second = stored_for("a:b", {"d", "e", "a"});
  for (const std::string user : {"a", "b", "d", "e"}) EXPECT_GE(row_time(user, "a:b"), second - kIndexGrain) << user;
  EXPECT_LT(row_time("c", "a:b"), second - kIndexGrain);
  const std::int64_t third = stored_for("a:b", {"c"});  // soon after, for others
  EXPECT_GE(row_time("c", "a:b"), third - kIndexGrain);
}

TEST_P(IndexContract, ARecordOfAnyKindIsTold) {
  Change change{.chat = chat_of("a:b"), .records = {}};
  change.records.push_back({.kind = RecordKind::kMark, .sender = "a", .about = 7, .body = ""});
  change.records.push_back({.kind = static_cast<RecordKind>(99), .sender = "a", .about = 0, .body = ""});
  const auto appended = append(std::move(change));
  ASSERT_TRUE(appended) << appended.error().detail;
  EXPECT_GE(row_time("b", "a:b"), appended->send_time + 1 - kIndexGrain);
}

TEST_P(IndexContract, WhateverTheClockDoesARowIsAGrainBelowItsChatAtMost) {
  const std::vector<std::int64_t> steps = {
      0,     kMinute,         8 * kMinute,  2 * kMinute,     1,           -5 * kHour,
      kHour, -kHour,          11 * kMinute, -12 * kMinute,   9 * kHour,   kIndexGrain,
      1,     kIndexGrain + 1, -kIndexGrain, 2 * kIndexGrain, -30 * kHour, 0};
  std::map<std::string, std::int64_t> newest;
  std::map<std::pair<std::string, std::string>, std::int64_t> rows;
  for (const std::int64_t step : steps) {
    now_ += step;
    for (const std::string chat : {"a:b", "a:c"}) {
      newest[chat] = stored_for(chat, {"d"});
      for (const std::string& user :
           {std::string("a"), std::string(chat_of(chat).second()), std::string("d"), follower_of_chat(chat)}) {
        const std::int64_t time = row_time(user, chat);
        EXPECT_GE(time, newest[chat] - kIndexGrain) << user << " of " << chat;
        std::int64_t& before = rows[{user, chat}];
        EXPECT_GE(time, before) << user << " of " << chat;
        before = time;
      }
    }
  }
}

TEST_P(IndexContract, ManyAtOnceInANewChatLeaveOneRow) {
  std::vector<std::future<Result<Appended>>> pending;
  for (std::size_t i = 0; i < 100; ++i) {
    pending.push_back(start_append({chat_of("a:b"), "a", "text", ""}, kNoDeadline, i % loops_.size()));
  }
  std::int64_t newest = 0;
  for (auto& one : pending) newest = std::max(newest, one.get()->send_time);
  for (const std::string user : {"a", "b"}) {
    EXPECT_THAT(chats_of(whole_index(user)), ElementsAre("a:b"));
    EXPECT_GE(row_time(user, "a:b"), newest - kIndexGrain);
  }
}

// Pages

TEST_P(IndexContract, RowsComeNewestFirstByPage) {
  std::vector<std::string> expected;
  for (int i = 0; i < 30; ++i) {
    const std::string chat = "a:b" + std::to_string(i);
    stored(chat, "a", "text");
    expected.insert(expected.begin(), chat);
    now_ += kMinute;
  }
  const std::vector<IndexRow> all = whole_index("a");
  EXPECT_EQ(chats_of(all), expected);
  EXPECT_TRUE(newest_first(all));
  EXPECT_EQ(whole_index("a", {.limit = 7}), all);
  EXPECT_EQ(whole_index("a", {.limit = 1}), all);
  const auto newest = index("a", {.limit = 3});
  ASSERT_TRUE(newest) << newest.error().detail;
  EXPECT_EQ(newest->rows, std::vector(all.begin(), all.begin() + 3));
  EXPECT_TRUE(newest->has_more);
  EXPECT_FALSE(index("a", {.limit = 30})->has_more);
  EXPECT_EQ(whole_index("a", {.least = all[9].time}), std::vector(all.begin(), all.begin() + 10));
  EXPECT_EQ(whole_index("a", {.least = all[9].time + 1}), std::vector(all.begin(), all.begin() + 9));
  EXPECT_FALSE(index("a", {.least = all[9].time, .limit = 10})->has_more);
  EXPECT_THAT(whole_index("a", {.least = now_ + kHour}), IsEmpty());
  EXPECT_THAT(index("a", {.after = all.back()})->rows, IsEmpty());
  // After a row that is not there any more, or never was.
  EXPECT_EQ(index("a", {.after = IndexRow{all[4].chat + "x", all[4].time}})->rows.at(0), all[4]);
  EXPECT_EQ(index("a", {.after = IndexRow{"", all[4].time}})->rows.at(0), all[5]);
}

TEST_P(IndexContract, OldestFirstIsTheOtherWayRound) {
  for (int i = 0; i < 20; ++i) {
    stored("a:b" + std::to_string(i), "a", "text");
    now_ += kMinute;
  }
  std::vector<IndexRow> all = whole_index("a");
  std::ranges::reverse(all);
  for (const std::size_t limit : {std::size_t{1}, std::size_t{7}, std::size_t{1000}}) {
    EXPECT_EQ(whole_index("a", {.limit = limit, .oldest_first = true}), all);
  }
  EXPECT_EQ(whole_index("a", {.least = all[9].time, .limit = 3, .oldest_first = true}),
            std::vector(all.begin() + 9, all.end()));
  EXPECT_EQ(whole_index("a", {.least = all[9].time + 1, .oldest_first = true}),
            std::vector(all.begin() + 10, all.end()));
  EXPECT_FALSE(index("a", {.limit = 20, .oldest_first = true})->has_more);
  EXPECT_TRUE(index("a", {.limit = 19, .oldest_first = true})->has_more);
  EXPECT_THAT(index("a", {.after = all.back(), .oldest_first = true})->rows, IsEmpty());
  EXPECT_EQ(index("a", {.after = IndexRow{all[4].chat + "x", all[4].time}, .oldest_first = true})->rows.at(0), all[5]);
  EXPECT_EQ(index("a", {.after = IndexRow{"", all[4].time}, .oldest_first = true})->rows.at(0), all[4]);
  EXPECT_EQ(index("a", {.least = all[6].time, .after = all[4], .oldest_first = true})->rows.at(0), all[6]);
}

TEST_P(IndexContract, OldestFirstNothingIsMissedWhileAllMoves) {
  std::set<std::string> chats;
  for (int i = 0; i < 12; ++i) chats.insert("a:b" + std::to_string(10 + i));
  for (const std::string& chat : chats) stored(chat, "a", "text");
  std::set<std::string> seen;
  IndexRange range{.limit = 3, .oldest_first = true};
  for (int page = 0;; ++page) {
    const auto rows = index("a", range);
    ASSERT_TRUE(rows) << rows.error().detail;
    for (const IndexRow& row : rows->rows) seen.insert(row.chat);
    if (!rows->has_more) break;
    range.after = rows->rows.back();
    if (page > 3) continue;
    now_ += 2 * kIndexGrain;
    for (const std::string& chat : chats) {
      if (std::stoi(chat.substr(3)) % 4 == page) stored(chat, "a", "moves");
    }
  }
  EXPECT_EQ(seen, chats);
}

TEST_P(IndexContract, ALongIndexIsOnePage) {
  constexpr std::size_t kChats = 1200;
  std::vector<std::future<Result<Appended>>> pending;
  for (std::size_t i = 0; i < kChats; ++i) {
    pending.push_back(
        start_append({chat_of("a:b" + std::to_string(i)), "a", "text", ""}, kNoDeadline, i % loops_.size()));
  }
  for (auto& one : pending) ASSERT_TRUE(one.get());
  for (const bool oldest_first : {false, true}) {
    const auto page = index("a", {.limit = kMaxIndexRows, .oldest_first = oldest_first});
    ASSERT_TRUE(page) << page.error().detail;
    EXPECT_EQ(page->rows.size(), kChats);
    EXPECT_FALSE(page->has_more);
  }
}

TEST_P(IndexContract, IndexesDoNotMix) {
  for (const std::string chat : {"a:aa", "aa:b", "a:b", "a{:b", "a b:b"}) {
    stored(chat, std::string(chat_of(chat).first()), "text");
  }
  EXPECT_EQ(whole_index("a").size(), 2U);
  EXPECT_EQ(whole_index("aa").size(), 2U);
  EXPECT_EQ(whole_index("b").size(), 4U);
  EXPECT_THAT(chats_of(whole_index("a{")), ElementsAre("a{:b"));
  EXPECT_THAT(whole_index("b "), IsEmpty());
}

TEST_P(IndexContract, WhatDoesNotMoveIsSeenOnceWhileOthersMove) {
  std::vector<std::string> chats;
  for (int i = 0; i < 20; ++i) {
    chats.push_back("a:b" + std::to_string(10 + i));
    stored(chats.back(), "a", "text");
    now_ += kMinute;
  }
  std::map<std::string, int> seen;
  IndexRange range{.limit = 3};
  for (std::size_t page = 0;; ++page) {
    const auto rows = index("a", range);
    ASSERT_TRUE(rows) << rows.error().detail;
    EXPECT_TRUE(newest_first(rows->rows));
    for (const IndexRow& row : rows->rows) ++seen[row.chat];
    if (!rows->has_more) break;
    range.after = rows->rows.back();
    now_ += kIndexGrain;
    stored(chats[page * 2], "a", "moves");         // one of those that are still to come
    stored(rows->rows.back().chat, "a", "moves");  // and the one that the next page goes on from
  }
  for (std::size_t i = 0; i < chats.size(); ++i) EXPECT_LE(seen[chats[i]], 1) << chats[i];
  std::set<std::string> newest;
  for (const IndexRow& row : whole_index("a")) newest.insert(row.chat);
  EXPECT_EQ(newest.size(), chats.size());
  for (std::size_t i = 1; i < chats.size(); i += 2) {
    EXPECT_EQ(seen[chats[i]], 1) << chats[i];  // none of these had moved before it was seen
  }
}

TEST_P(IndexContract, NoRowIsMissingWhileItIsRaised) {
  stored("a:b", "a", "text");
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (int i = 0; i < 60; ++i) {
      now_ += 2 * kIndexGrain;
      stored("a:b", "a", "text");
    }
    done = true;
  });
  while (!done) EXPECT_EQ(index("a", {}, 1)->rows.size(), 1U);
  writer.join();
}

// Clocks

TEST_P(IndexContract, ClocksNeverFallAndAreNotBelowWhatWasSeen) {
  std::atomic<bool> done{false};
  const auto watch = [&](std::size_t loop) {
    std::int64_t known = 0;
    std::int64_t newest = 0;
    while (!done) {
      const auto page = read("a:b", {.limit = 1, .reverse = true}, loop);
      const std::int64_t seen = page && !page->records.empty() ? page->records[0].time : 0;
      const std::int64_t now = clock_of("a:b", Clocks::kNewest, loop);
      ASSERT_GE(now, seen);
      ASSERT_GE(now, newest);
      newest = now;
      const std::int64_t taken = clock_of("a:b", Clocks::kKnown, loop);
      ASSERT_GE(taken, known);
      known = taken;
    }
  };
  std::vector<std::thread> watchers;
  for (std::size_t loop = 1; loop < loops_.size(); ++loop) watchers.emplace_back(watch, loop);
  for (int i = 0; i < 100; ++i) {
    now_ += i % 10 == 0 ? kHour : i % 10 == 5 ? -kHour : 3;
    const std::int64_t time = stored("a:b", "a", "text");
    EXPECT_GE(clock_of("a:b", Clocks::kNewest), time);
  }
  done = true;
  for (std::thread& watcher : watchers) watcher.join();
}

TEST_P(IndexContract, NothingComesAtOrBelowAClock) {
  std::vector<std::future<Result<Appended>>> pending;
  std::vector<std::pair<std::int64_t, std::size_t>> looked;  // the clock, and how many had it and less behind them
  const auto count_to = [this](std::int64_t time) {
    const auto page = read("a:b", {.cursor = time, .limit = kMaxPullLimit, .reverse = true}, 1);
    return page ? page->records.size() : 0;
  };
  for (std::size_t i = 0; i < 300; ++i) {
    pending.push_back(start_append({chat_of("a:b"), "a", "text", ""}, kNoDeadline, i % loops_.size()));
    if (i % 10 != 0) continue;
    const std::int64_t clock = clock_of("a:b", Clocks::kNewest);
    if (clock != 0) looked.emplace_back(clock, count_to(clock));
  }
  for (auto& one : pending) ASSERT_TRUE(one.get());
  for (const auto& [clock, count] : looked) EXPECT_EQ(count_to(clock), count);
}

// Who follows whole lanes

/// Sees every record of a store, with a number for each lane.
class LaneFollower {
 public:
  using Seen = std::vector<std::pair<std::string, std::int64_t>>;  // chat and time

  explicit LaneFollower(MessageStore& store) : store_(store), numbers_(store.lanes()) {}

  /// All that came since the last look. The clocks are read first, so that the index, which is read after them, tells
  /// of all that they cover; the oldest rows first, since what rises meanwhile is then still to come. If rows may have
  /// fallen meanwhile, all of them again.
  Task<std::size_t> look() {
    auto clocks = co_await store_.clocks(Clocks::kNewest, kNoDeadline);
    if (!clocks) co_return std::unexpected(clocks.error());
    const std::size_t before = seen_.size();
    for (std::size_t lane = 0; lane < numbers_.size(); ++lane) {
      IndexRange range{
          .least = std::max<std::int64_t>(0, numbers_[lane] - kIndexGrain), .limit = 10, .oldest_first = true};
      std::uint64_t age = 0;
      for (bool more = true; more;) {
        auto rows = co_await store_.index(follower_of(lane), range, kNoDeadline);
        if (!rows) co_return std::unexpected(rows.error());
        if (range.after && rows->age != age) {
          range.after.reset();
          continue;
        }
        age = rows->age;
        for (const IndexRow& row : rows->rows) {
          auto read = co_await read_chat(row.chat, numbers_[lane] + 1, (*clocks)[lane]);
          if (!read) co_return std::unexpected(read.error());
        }
        more = rows->has_more;
        if (more) range.after = rows->rows.back();
      }
      numbers_[lane] = std::max(numbers_[lane], (*clocks)[lane]);
    }
    co_return seen_.size() - before;
  }

  [[nodiscard]] const Seen& seen() const noexcept { return seen_; }

 private:
  Task<std::size_t> read_chat(std::string chat, std::int64_t from, std::int64_t to) {
    // A chat that moves while the pages of the index are read may be on two of them.
    if (std::int64_t& done = read_to_[chat]; done < from) done = from - 1;
    for (;;) {
      const std::int64_t cursor = read_to_[chat] + 1;
      if (cursor > to) co_return seen_.size();
      auto page = co_await store_.read(chat_of(chat), {{.cursor = cursor, .limit = 5}, true}, kNoDeadline);
      if (!page && page.error().code == ErrorCode::kChatNotFound) co_return 0;  // its row was there before it
      if (!page) co_return std::unexpected(page.error());
      std::int64_t last = to;
      for (const Record& record : page->records) {
        if (record.time > to) break;
        seen_.emplace_back(chat, record.time);
      }
      if (page->has_more) last = std::min(to, page->records.back().time);
      read_to_[chat] = last;
    }
  }

  MessageStore& store_;
  std::vector<std::int64_t> numbers_;
  std::map<std::string, std::int64_t> read_to_;
  Seen seen_;
};

TEST_P(IndexContract, AFollowerOfTheLanesSeesEveryRecordOnce) {
  constexpr int kWriters = 4;
  constexpr int kRecords = 150;
  std::atomic<int> writing{kWriters};
  std::vector<LaneFollower::Seen> acknowledged(kWriters);
  const auto write = [&](int number) {
    for (int i = 0; i < kRecords; ++i) {
      const std::string chat = "a:b" + std::to_string((i * 7 + number) % 23);
      if (i % 40 == 20) now_ += i % 80 == 20 ? kHour : -kHour;
      now_ += kMinute / 10;
      const auto appended =
          start_append({chat_of(chat), "a", "text", ""}, kNoDeadline, static_cast<std::size_t>(number) % loops_.size())
              .get();
      ASSERT_TRUE(appended) << appended.error().detail;
      acknowledged[static_cast<std::size_t>(number)].emplace_back(chat, appended->send_time);
    }
    --writing;
  };
  std::vector<std::thread> writers;
  for (int number = 0; number < kWriters; ++number) writers.emplace_back(write, number);
  LaneFollower follower(*store_);
  for (bool last = false; !last;) {
    last = writing == 0;
    const auto looked = run(follower.look());
    EXPECT_TRUE(looked) << looked.error().detail;
    if (!looked) break;
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(run(follower.look()).value(), 0U);
  LaneFollower::Seen expected;
  for (const auto& of_one : acknowledged) expected.insert(expected.end(), of_one.begin(), of_one.end());
  std::ranges::sort(expected);
  LaneFollower::Seen seen = follower.seen();
  std::map<std::string, std::int64_t> last;
  for (const auto& [chat, time] : seen) EXPECT_LT(std::exchange(last[chat], time), time) << chat;
  std::ranges::sort(seen);
  EXPECT_EQ(seen, expected);
}

TEST_P(IndexContract, LanesHaveNames) {
  EXPECT_GE(store_->lanes(), 1U);
  EXPECT_NE(follower_of(0), follower_of(1));
  EXPECT_FALSE(ChatId::parse(follower_of(0) + ":b"));  // no member has it
  for (const std::string chat : {"a:b", "a:c", "x:y"}) EXPECT_LT(store_->lane_of(chat), store_->lanes());
  EXPECT_EQ(store_->lane_of("a:b"), store_->lane_of("a:b"));
}

TEST_P(IndexContract, PastItsDeadlineNothingIsRead) {
  const Deadline past = in(std::chrono::milliseconds(-1));
  EXPECT_EQ(code_of(run(store_->index("a", {}, past))), ErrorCode::kOverloaded);
  EXPECT_EQ(code_of(run(store_->clocks(Clocks::kNewest, past))), ErrorCode::kOverloaded);
}

}  // namespace parley::store
