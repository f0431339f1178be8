#include "store/message_store_contract.h"

#include <limits>
#include <set>

namespace parley::store {
namespace {

TEST_P(MessageStoreContract, WhatWasAppendedIsReadInOrder) {
  const std::int64_t first = time_of(draft("b:a", "one", {}, "b"));
  const std::int64_t second = time_of(draft("a:b", "two"));
  EXPECT_LT(first, second);
  const auto page = read("b:a");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->messages, (std::vector<Message>{{"b", "one", first}, {"a", "two", second}}));
  EXPECT_FALSE(page->has_more);
  EXPECT_EQ(page->next_cursor, second + 1);
}

TEST_P(MessageStoreContract, AChatThatNeverHadAMessageIsNotFound) {
  time_of(draft("a:b", "x"));
  EXPECT_EQ(read_error("a:c"), ErrorCode::kChatNotFound);
  EXPECT_EQ(read_error("a:c", {.reverse = true}), ErrorCode::kChatNotFound);
  EXPECT_EQ(read_error("a:bb", {.cursor = 5}), ErrorCode::kChatNotFound);
  EXPECT_EQ(read_error("a:a", {.reverse = true}), ErrorCode::kChatNotFound);
}

TEST_P(MessageStoreContract, AnEmptyPageKeepsTheCursor) {
  const std::int64_t time = time_of(draft("a:b", "x"));
  const auto after = read("a:b", {.cursor = time + 1});
  ASSERT_TRUE(after);
  EXPECT_TRUE(after->messages.empty());
  EXPECT_EQ(after->next_cursor, time + 1);
  const auto before = read("a:b", {.cursor = time - 1, .reverse = true});
  ASSERT_TRUE(before);
  EXPECT_TRUE(before->messages.empty());
  EXPECT_EQ(before->next_cursor, time - 1);
}

TEST_P(MessageStoreContract, CursorsAreInclusiveBothWays) {
  std::vector<std::int64_t> times;
  for (const char* text : {"1", "2", "3"}) times.push_back(time_of(draft("a:b", text)));
  EXPECT_EQ(texts(*read("a:b", {.cursor = times[1]})), (std::vector<std::string>{"2", "3"}));
  EXPECT_EQ(texts(*read("a:b", {.cursor = times[1] + 1})), (std::vector<std::string>{"3"}));
  EXPECT_EQ(texts(*read("a:b", {.cursor = times[1], .reverse = true})), (std::vector<std::string>{"2", "1"}));
  EXPECT_EQ(texts(*read("a:b", {.reverse = true})), (std::vector<std::string>{"3", "2", "1"}));
}

TEST_P(MessageStoreContract, AnyCursorIsAnswered) {
  time_of(draft("a:b", "x"));
  constexpr std::int64_t kHuge = std::numeric_limits<std::int64_t>::max();
  const auto forward = read("a:b", {.cursor = kHuge});
  ASSERT_TRUE(forward);
  EXPECT_TRUE(forward->messages.empty());
  EXPECT_EQ(forward->next_cursor, kHuge);
  EXPECT_EQ(read("a:b", {.cursor = kHuge, .reverse = true})->messages.size(), 1U);
  EXPECT_EQ(read("a:b", {.cursor = 1})->messages.size(), 1U);
  EXPECT_TRUE(read("a:b", {.cursor = 1, .reverse = true})->messages.empty());
}

TEST_P(MessageStoreContract, ALimitCutsThePageAndSaysSo) {
  for (const char* text : {"1", "2", "3"}) time_of(draft("a:b", text));
  const auto two = read("a:b", {.limit = 2});
  EXPECT_EQ(two->messages.size(), 2U);
  EXPECT_TRUE(two->has_more);
  EXPECT_FALSE(read("a:b", {.limit = 3})->has_more);
  EXPECT_TRUE(read("a:b", {.limit = 2, .reverse = true})->has_more);
  EXPECT_FALSE(read("a:b", {.cursor = two->next_cursor, .limit = 1})->has_more);
}

TEST_P(MessageStoreContract, APageHoldsItsBytesButAtLeastOneMessage) {
  for (int i = 0; i < 3; ++i) time_of(draft("a:b", std::string(100, 'x')));
  EXPECT_EQ(read("a:b", {.max_bytes = 200})->messages.size(), 2U);
  EXPECT_EQ(read("a:b", {.max_bytes = 199})->messages.size(), 1U);
  const auto one = read("a:b", {.max_bytes = 10});
  EXPECT_EQ(one->messages.size(), 1U);
  EXPECT_TRUE(one->has_more);
}

TEST_P(MessageStoreContract, NeighbouringChatsAreApart) {
  const std::vector<std::string> chats = {"a:b",   "a:bc",  "a:b{", "}x:y", "{x}:y",
                                          "a b:c", "日:本", "a:a",  "m:m",  "a:\x7E"};
  for (const std::string& chat : chats) time_of(draft(chat, chat));
  for (const std::string& chat : chats) {
    EXPECT_EQ(texts(*read(chat)), std::vector<std::string>{chat});
    EXPECT_EQ(texts(*read(chat, {.reverse = true})), std::vector<std::string>{chat});
  }
}

TEST_P(MessageStoreContract, TextsSurviveUnchanged) {
  const std::vector<std::string> all = {std::string("\0a\0", 3), "\xF0\x9F\x98\x80", std::string(64 << 10, 'x'),
                                        "\n\r\t"};
  for (const std::string& text : all) time_of(draft("a:b", text));
  EXPECT_EQ(texts(*read("a:b")), all);
}

TEST_P(MessageStoreContract, TimesRiseWhateverTheClockDoes) {
  std::int64_t last = 0;
  const std::int64_t start = now_;
  for (const std::int64_t clock :
       {start, start, start - kHour, start + kHour, start, std::int64_t{-5}, std::int64_t{0}}) {
    now_ = clock;
    const std::int64_t time = time_of(draft("a:b", "x"));
    EXPECT_GT(time, last);
    last = time;
  }
  EXPECT_EQ(last, start + kHour + 3) << "a clock that went back is followed by the smallest step";
}

TEST_P(MessageStoreContract, TimesStayWithinTheirBounds) {
  now_ = 3;
  EXPECT_EQ(time_of(draft("a:b", "x")), kMinSendTime);
  now_ = kMaxSendTime + 1;
  EXPECT_EQ(time_of(draft("a:b", "x")), kMinSendTime + 1);
  now_ = kMaxSendTime;
  EXPECT_EQ(time_of(draft("a:b", "x")), kMaxSendTime);
  EXPECT_EQ(append(draft("a:b", "x")).error().code, ErrorCode::kUnavailable);
}

TEST_P(MessageStoreContract, ARepeatStoresNothing) {
  const std::int64_t time = time_of(draft("a:b", "x", "k"));
  const auto repeat = append(draft("b:a", "x", "k"));
  ASSERT_TRUE(repeat);
  EXPECT_TRUE(repeat->duplicate);
  EXPECT_EQ(repeat->send_time, time);
  EXPECT_EQ(read("a:b")->messages.size(), 1U);
}

TEST_P(MessageStoreContract, AKeyWithAnotherTextConflicts) {
  time_of(draft("a:b", "x", "k"));
  EXPECT_EQ(append(draft("a:b", "y", "k")).error().code, ErrorCode::kIdempotencyConflict);
  EXPECT_EQ(read("a:b")->messages.size(), 1U);
}

TEST_P(MessageStoreContract, AKeyIsItsSendersInItsChat) {
  EXPECT_FALSE(append(draft("a:b", "x", "k", "a"))->duplicate);
  EXPECT_FALSE(append(draft("a:b", "y", "k", "b"))->duplicate);
  EXPECT_FALSE(append(draft("a:c", "z", "k", "a"))->duplicate);
  EXPECT_FALSE(append(draft("a:b", "x", "K", "a"))->duplicate);
}

TEST_P(MessageStoreContract, AKeyIsForgottenAfterItsWindow) {
  const std::int64_t time = time_of(draft("a:b", "x", "k"));
  now_ = time + kHour;
  EXPECT_TRUE(append(draft("a:b", "x", "k"))->duplicate);
  now_ = time + kHour + 1;
  const auto fresh = append(draft("a:b", "y", "k"));
  ASSERT_TRUE(fresh);
  EXPECT_FALSE(fresh->duplicate);
  EXPECT_TRUE(append(draft("a:b", "y", "k"))->duplicate);
  EXPECT_EQ(read("a:b")->messages.size(), 2U);
}

TEST_P(MessageStoreContract, AnAppendPastItsDeadlineStoresNothingAndLeavesNoKey) {
  const auto passed = std::chrono::steady_clock::now() - std::chrono::seconds(1);
  EXPECT_EQ(append(draft("a:b", "x", "k"), passed).error().code, ErrorCode::kOverloaded);
  EXPECT_EQ(append(draft("a:b", "x"), passed).error().code, ErrorCode::kOverloaded);
  EXPECT_EQ(read_error("a:b"), ErrorCode::kChatNotFound);
  EXPECT_FALSE(append(draft("a:b", "other", "k"))->duplicate);
}

TEST_P(MessageStoreContract, ConcurrentRepeatsStoreOnce) {
  constexpr int kKeys = 20;
  constexpr int kRepeats = 10;
  std::vector<std::future<Result<Appended>>> answers;
  for (int i = 0; i < kKeys * kRepeats; ++i) {
    const std::string key = "k" + std::to_string(i % kKeys);
    answers.push_back(boost::asio::co_spawn(loops_[static_cast<std::size_t>(i) % 2].executor(),
                                            store().append(draft("a:b", key, key), kNoDeadline),
                                            boost::asio::use_future));
  }
  int stored = 0;
  std::set<std::int64_t> times;
  for (auto& answer : answers) {
    const auto appended = answer.get();
    ASSERT_TRUE(appended) << appended.error().detail;
    stored += appended->duplicate ? 0 : 1;
    times.insert(appended->send_time);
  }
  EXPECT_EQ(stored, kKeys);
  EXPECT_EQ(times.size(), static_cast<std::size_t>(kKeys));
  EXPECT_EQ(read("a:b", {.limit = 1000})->messages.size(), static_cast<std::size_t>(kKeys));
}

TEST_P(MessageStoreContract, PollingDeliversEachMessageOnceUnderConcurrentAppends) {
  constexpr int kMessages = 400;
  std::vector<std::future<Result<Appended>>> answers;
  for (int i = 0; i < kMessages; ++i) {
    answers.push_back(boost::asio::co_spawn(loops_[static_cast<std::size_t>(i) % 2].executor(),
                                            store().append(draft("a:b", std::to_string(i)), kNoDeadline),
                                            boost::asio::use_future));
  }
  ASSERT_TRUE(answers.front().get());
  std::multiset<std::string> seen;
  std::int64_t cursor = 0;
  std::int64_t last = 0;
  bool all_answered = false;
  while (true) {
    const auto page = read("a:b", {.cursor = cursor, .limit = 7});
    ASSERT_TRUE(page);
    for (const Message& message : page->messages) {
      EXPECT_GT(message.send_time, last);
      last = message.send_time;
      seen.insert(message.text);
    }
    cursor = page->next_cursor;
    if (!page->messages.empty()) continue;
    if (all_answered) break;  // nothing came after the last acknowledgement
    for (std::size_t i = 1; i < answers.size(); ++i) {
      if (answers[i].valid()) ASSERT_TRUE(answers[i].get());
    }
    all_answered = true;
  }
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(kMessages));
  for (int i = 0; i < kMessages; ++i) EXPECT_EQ(seen.count(std::to_string(i)), 1U) << i;
}

TEST_P(MessageStoreContract, IsReadyAndHasAnId) {
  EXPECT_TRUE(run_on(loops_[0], store().ready(kNoDeadline)));
  EXPECT_EQ(store().id().size(), 32U);
}

}  // namespace
}  // namespace parley::store
