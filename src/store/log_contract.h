// What every store's log must do with messages, said in tests; also through gateway and node. The rest of what a log
// promises is in record_contract.h.
#pragma once

#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "store/store_contract.h"

namespace parley::store {

class LogContract : public StoreContract {};

inline constexpr std::int64_t kHuge = std::numeric_limits<std::int64_t>::max();

// Times

TEST_P(LogContract, TimesAreTheClocksWhereItRises) {
  EXPECT_EQ(stored("a:b", "a", "1"), kStart);
  now_ += 1000;
  EXPECT_EQ(stored("a:b", "a", "2"), kStart + 1000);
}

TEST_P(LogContract, TimesRiseWhateverTheClockDoes) {
  std::vector<std::int64_t> times;
  for (const std::int64_t now : {kStart, kStart, kStart - 10'000'000, kStart + 5, std::int64_t{0}, std::int64_t{-7},
                                 kMaxSendTime + 1, kHuge, kStart + 1'000'000'000, kStart}) {
    now_ = now;
    times.push_back(stored("a:b", "a", "text"));
  }
  for (std::size_t i = 1; i < times.size(); ++i) EXPECT_LT(times[i - 1], times[i]);
  EXPECT_LE(times.back(), kStart + 1'000'000'001);
}

TEST_P(LogContract, TimesBeginAtTheLeastThatIsAllowed) {
  now_ = 5;
  EXPECT_EQ(stored("a:b", "a", "1"), kMinSendTime);
  EXPECT_EQ(stored("a:b", "a", "2"), kMinSendTime + 1);
}

TEST_P(LogContract, UsedUpTimesAreUnavailable) {
  now_ = kMaxSendTime;
  EXPECT_EQ(stored("a:b", "a", "last"), kMaxSendTime);
  EXPECT_EQ(code_of(append("a:b", "a", "one more")), ErrorCode::kUnavailable);
  EXPECT_THAT(texts("a:b"), ElementsAre("last"));
}

TEST_P(LogContract, ConcurrentAppendsGetTimesOfTheirOwn) {
  std::vector<std::future<Result<Appended>>> pending;
  for (std::size_t i = 0; i < 300; ++i) {
    pending.push_back(start_append({chat_of("a:b"), "a", std::to_string(i), ""}, kNoDeadline, i % loops_.size()));
  }
  std::map<std::int64_t, std::string> expected;
  for (std::size_t i = 0; i < pending.size(); ++i) {
    const auto appended = pending[i].get();
    ASSERT_TRUE(appended) << appended.error().detail;
    EXPECT_TRUE(expected.emplace(appended->send_time, std::to_string(i)).second);
  }
  std::map<std::int64_t, std::string> found;
  const auto page = read("a:b", {.limit = kMaxPullLimit});
  ASSERT_TRUE(page);
  for (const Record& record : page->records) found.emplace(record.time, text_of(record));
  EXPECT_EQ(found, expected);
}

// Reading

TEST_P(LogContract, AMessageComesBackAsItWas) {
  const std::int64_t time = stored("b:a", "b", "hello");
  const auto page = read("a:b");
  ASSERT_TRUE(page);
  ASSERT_EQ(page->records.size(), 1U);
  EXPECT_EQ(to_message(page->records[0]), (Message{"b", "hello", time}));
  EXPECT_FALSE(page->has_more);
}

TEST_P(LogContract, TextsKeepEveryByte) {
  const std::vector<std::string> all = {std::string("\0", 1), std::string("a\0b\0", 4), "\n\r\t\x7f",
                                        "\xf0\x9f\x98\x80", std::string(std::size_t{64} << 10, 'x')};
  for (const std::string& text : all) stored("a:b", "a", text);
  EXPECT_EQ(texts("a:b"), all);
}

TEST_P(LogContract, AnUnknownChatIsNotFound) {
  stored("a:c", "a", "text");
  for (const PageRange& range :
       {PageRange{}, PageRange{.cursor = kHuge}, PageRange{.reverse = true}, PageRange{.cursor = 1, .reverse = true}}) {
    EXPECT_EQ(code_of(read("a:b", range)), ErrorCode::kChatNotFound);
  }
}

TEST_P(LogContract, BeyondTheEndsOfAChatIsAnEmptyPage) {
  const std::int64_t time = stored("a:b", "a", "text");
  for (const PageRange& range :
       {PageRange{.cursor = time + 1}, PageRange{.cursor = kHuge}, PageRange{.cursor = time - 1, .reverse = true}}) {
    const auto page = read("a:b", range);
    ASSERT_TRUE(page) << page.error().detail;
    EXPECT_THAT(page->records, IsEmpty());
    EXPECT_FALSE(page->has_more);
  }
}

TEST_P(LogContract, TheCursorIsInclusiveBothWays) {
  std::vector<std::int64_t> times;
  for (const char* text : {"1", "2", "3"}) times.push_back(stored("a:b", "a", text));
  EXPECT_THAT(texts("a:b", {.cursor = times[1]}), ElementsAre("2", "3"));
  EXPECT_THAT(texts("a:b", {.cursor = times[1] + 1}), ElementsAre("3"));
  EXPECT_THAT(texts("a:b", {.cursor = times[1], .reverse = true}), ElementsAre("2", "1"));
  EXPECT_THAT(texts("a:b", {.cursor = times[1] - 1, .reverse = true}), ElementsAre("1"));
  EXPECT_THAT(texts("a:b", {.cursor = 1}), ElementsAre("1", "2", "3"));
  EXPECT_THAT(texts("a:b", {.cursor = 0, .reverse = true}), ElementsAre("3", "2", "1"));
  EXPECT_THAT(texts("a:b", {.cursor = kHuge, .reverse = true}), ElementsAre("3", "2", "1"));
}

TEST_P(LogContract, ThePageEndsAtTheLimit) {
  for (const char* text : {"1", "2", "3"}) stored("a:b", "a", text);
  const auto forward = read("a:b", {.limit = 2});
  ASSERT_TRUE(forward);
  EXPECT_EQ(forward->records.size(), 2U);
  EXPECT_TRUE(forward->has_more);
  const auto backward = read("a:b", {.limit = 2, .reverse = true});
  ASSERT_TRUE(backward);
  EXPECT_TRUE(backward->has_more);
  const auto exact = read("a:b", {.limit = 3});
  ASSERT_TRUE(exact);
  EXPECT_EQ(exact->records.size(), 3U);
  EXPECT_FALSE(exact->has_more);
}

TEST_P(LogContract, ThePageEndsAtItsBytesButHasOneMessage) {
  for (const char* text : {"12345", "1234567890", "12345", "12345"}) stored("a:b", "a", text);
  EXPECT_EQ(texts("a:b", {.max_bytes = 1}).size(), 1U);
  EXPECT_EQ(texts("a:b", {.max_bytes = 14}).size(), 1U);
  EXPECT_EQ(texts("a:b", {.max_bytes = 15}).size(), 2U);
  EXPECT_EQ(texts("a:b", {.max_bytes = 25}).size(), 4U);
  EXPECT_EQ(texts("a:b", {.reverse = true, .max_bytes = 10}).size(), 2U);
  EXPECT_TRUE(read("a:b", {.max_bytes = 24})->has_more);
  EXPECT_FALSE(read("a:b", {.max_bytes = 25})->has_more);
}

TEST_P(LogContract, ChatsDoNotMixHoweverTheyAreSpelt) {
  const std::vector<std::string> chats = {"a:b",   "a:bc", "a:a",      "ab:c", "a:{b}", "a:}b", "a:b c",
                                          "a:b!c", "a:é",  "a:\u00ff", "A:b",  "a:b}",  "aa:b", "a:\u10ff"};
  for (const std::string& chat : chats) stored(chat, std::string(chat_of(chat).first()), "in " + chat);
  for (const std::string& chat : chats) {
    EXPECT_THAT(texts(chat), ElementsAre("in " + chat));
    EXPECT_THAT(texts(chat, {.reverse = true}), ElementsAre("in " + chat));
    EXPECT_THAT(texts(chat, {.cursor = kHuge}), IsEmpty());
    EXPECT_THAT(texts(chat, {.cursor = 1, .reverse = true}), IsEmpty());
  }
  EXPECT_EQ(code_of(read("a:bcd")), ErrorCode::kChatNotFound);
  EXPECT_EQ(code_of(read("a:ba", {.reverse = true})), ErrorCode::kChatNotFound);
}

TEST_P(LogContract, APollerSeesEachMessageOnceWhileOthersWrite) {
  constexpr std::size_t kMessages = 400;
  stored("a:b", "a", "first");
  std::vector<std::future<Result<Appended>>> pending;
  std::vector<std::int64_t> seen;
  std::int64_t cursor = 0;
  const auto poll = [&] {
    const auto page = read("a:b", {.cursor = cursor, .limit = 7}, 1);
    ASSERT_TRUE(page);
    for (const Record& record : page->records) seen.push_back(record.time);
    if (!seen.empty()) cursor = seen.back() + 1;
  };
  for (std::size_t i = 0; i < kMessages; ++i) {
    pending.push_back(start_append({chat_of("a:b"), "a", "text", ""}, kNoDeadline, i % loops_.size()));
    if (i % 5 == 0) poll();
  }
  std::set<std::int64_t> acknowledged;
  for (auto& one : pending) acknowledged.insert(one.get()->send_time);
  for (std::size_t before = seen.size() + 1; before != seen.size();) {
    before = seen.size();
    poll();
  }
  EXPECT_TRUE(std::ranges::is_sorted(seen));
  EXPECT_EQ(seen.size(), kMessages + 1);
  acknowledged.insert(seen.front());
  EXPECT_EQ(std::set(seen.begin(), seen.end()), acknowledged);
}

TEST_P(LogContract, WhatWasAcknowledgedIsSeenOnEveryLoop) {
  for (int i = 0; i < 50; ++i) {
    const std::int64_t time = stored("a:b", "a", "text");
    const auto page = read("a:b", {.limit = 1, .reverse = true}, static_cast<std::size_t>(i) % loops_.size());
    ASSERT_TRUE(page);
    EXPECT_EQ(page->records.at(0).time, time);
  }
}

// Idempotency keys

TEST_P(LogContract, ARepeatStoresNothing) {
  const std::int64_t time = stored("a:b", "a", "text", "key");
  now_ += 1000;
  const auto repeat = append("a:b", "a", "text", "key");
  ASSERT_TRUE(repeat) << repeat.error().detail;
  EXPECT_EQ(repeat->send_time, time);
  EXPECT_TRUE(repeat->duplicate);
  EXPECT_THAT(texts("a:b"), ElementsAre("text"));
}

TEST_P(LogContract, AKeyWithAnotherTextIsAConflict) {
  stored("a:b", "a", "text", "key");
  EXPECT_EQ(code_of(append("a:b", "a", "other", "key")), ErrorCode::kIdempotencyConflict);
  EXPECT_THAT(texts("a:b"), ElementsAre("text"));
  EXPECT_TRUE(append("a:b", "a", "text", "key")->duplicate);
}

TEST_P(LogContract, KeysBelongToASenderInAChat) {
  stored("a:b", "a", "1", "key");
  stored("a:b", "b", "2", "key");
  stored("a:c", "a", "3", "key");
  stored("a:b", "a", "4", "Key");
  stored("a:b", "a", "5", "key ");
  stored("a:b", "a", "6", std::string("key\0", 4));
  EXPECT_EQ(texts("a:b").size(), 5U);
}

TEST_P(LogContract, AnEmptyKeyIsNone) {
  stored("a:b", "a", "text", "");
  stored("a:b", "a", "text", "");
  EXPECT_EQ(texts("a:b").size(), 2U);
}

TEST_P(LogContract, ConcurrentRepeatsStoreOnce) {
  for (int round = 0; round < 20; ++round) {
    const std::string key = "key" + std::to_string(round);
    std::vector<std::future<Result<Appended>>> pending;
    for (std::size_t i = 0; i < 30; ++i) {
      pending.push_back(start_append({chat_of("a:b"), "a", key, key}, kNoDeadline, i % loops_.size()));
    }
    std::set<std::int64_t> times;
    int first = 0;
    for (auto& one : pending) {
      const auto appended = one.get();
      ASSERT_TRUE(appended) << appended.error().detail;
      times.insert(appended->send_time);
      if (!appended->duplicate) ++first;
    }
    EXPECT_EQ(times.size(), 1U);
    EXPECT_EQ(first, 1);
  }
  EXPECT_EQ(texts("a:b").size(), 20U);
}

TEST_P(LogContract, OfConcurrentTextsUnderOneKeyOneIsStored) {
  std::vector<std::future<Result<Appended>>> pending;
  for (std::size_t i = 0; i < 30; ++i) {
    pending.push_back(
        start_append({chat_of("a:b"), "a", std::to_string(i % 2), "key"}, kNoDeadline, i % loops_.size()));
  }
  int first = 0;
  std::map<std::string, std::set<bool>> outcomes;
  for (std::size_t i = 0; i < pending.size(); ++i) {
    const auto appended = pending[i].get();
    if (!appended) {
      EXPECT_EQ(appended.error().code, ErrorCode::kIdempotencyConflict);
    }
    if (appended && !appended->duplicate) ++first;
    outcomes[std::to_string(i % 2)].insert(appended.has_value());
  }
  EXPECT_EQ(first, 1);
  const auto left = texts("a:b");
  ASSERT_EQ(left.size(), 1U);
  EXPECT_THAT(outcomes[left[0]], ElementsAre(true));
  EXPECT_THAT(outcomes[left[0] == "0" ? "1" : "0"], ElementsAre(false));
}

TEST_P(LogContract, AKeyIsForgottenAfterItsWindow) {
  StoreOptions short_window = options();
  short_window.idempotency_window = std::chrono::seconds(60);
  open(short_window);
  const std::int64_t time = stored("a:b", "a", "text", "key");
  now_ = time + 60'000'000;
  EXPECT_TRUE(append("a:b", "a", "text", "key")->duplicate);
  now_ = time + 60'000'001;
  const std::int64_t again = stored("a:b", "a", "other", "key");
  EXPECT_GT(again, time);
  EXPECT_EQ(append("a:b", "a", "other", "key")->send_time, again);
  EXPECT_THAT(texts("a:b"), ElementsAre("text", "other"));
}

// Deadlines

TEST_P(LogContract, PastItsDeadlineNothingIsBegun) {
  stored("a:b", "a", "before");
  const Deadline past = in(std::chrono::milliseconds(-1));
  EXPECT_EQ(code_of(start_append({chat_of("a:b"), "a", "late", "key"}, past).get()), ErrorCode::kOverloaded);
  EXPECT_EQ(code_of(start_append({chat_of("a:b"), "a", "late", ""}, past).get()), ErrorCode::kOverloaded);
  EXPECT_EQ(code_of(run(store_->read(chat_of("a:b"), {}, past))), ErrorCode::kOverloaded);
  EXPECT_THAT(texts("a:b"), ElementsAre("before"));
  stored("a:b", "a", "another text", "key");
}

TEST_P(LogContract, WithTimeLeftADeadlineChangesNothing) {
  EXPECT_TRUE(start_append({chat_of("a:b"), "a", "text", "key"}, in(std::chrono::hours(1))).get());
  EXPECT_TRUE(run(store_->read(chat_of("a:b"), {}, in(std::chrono::hours(1)))));
}

// The store itself

TEST_P(LogContract, IsReadyAndHasAnId) {
  const Health is = health();
  EXPECT_TRUE(is.reads);
  EXPECT_TRUE(is.writes);
  EXPECT_EQ(is.why_not, "");
  EXPECT_EQ(store_->id().size(), 32U);
  const std::string id = store_->id();
  open(options());
  EXPECT_NE(store_->id(), id);
}

TEST_P(LogContract, CountsWhatItDoes) {
  stored("a:b", "a", "text", "key");
  ASSERT_TRUE(append("a:b", "a", "text", "key"));
  const std::string shown = metrics_.text();
  EXPECT_THAT(shown, testing::HasSubstr("parley_store_messages_total 1\n"));
  EXPECT_THAT(shown, testing::HasSubstr("parley_store_duplicates_total 1\n"));
}

}  // namespace parley::store
