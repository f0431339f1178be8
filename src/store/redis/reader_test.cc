// Answers that are larger than they may be, by a server that does as it is told.
#include "store/redis/reader.h"

#include <memory>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "chat/message_body.h"
#include "redis/client_fixture.h"
#include "redis/fake_redis.h"
#include "store/record_codec.h"
#include "store/redis/lanes.h"
#include "store/redis/scripts.h"

namespace parley::store {
namespace {

class RedisReaderTest : public redis::ClientTest {
 protected:
  RedisReaderTest() {
    auto started = start_later({.servers = {fake_.endpoint()},
                                .connect_timeout = milliseconds(20'000),
                                .patience = milliseconds(20'000),
                                .watch = milliseconds(20'000)});
    server_ = std::make_unique<redis::FakeConnection>(fake_.accept_ready());
    EXPECT_TRUE(started.get());
    identity_.set_lanes(8);
    StoreOptions options;
    options.max_text = 100;
    reader_ = std::make_unique<RedisReader>(*client_, identity_, options, 1);
  }

  std::future<Result<RecordPage>> read_later() { return read_later(range_); }
  std::future<Result<RecordPage>> read_later(const PageRange& range, bool all_kinds = false) {
    return spawn(reader_->read(chat_, {range, all_kinds}, in(milliseconds(20'000))));
  }
  static std::string text_of(const Result<RecordPage>& page) {
    return page && !page->records.empty() ? to_message(page->records[0])->text.str() : "";
  }
  /// Lets the client know that the server is there and has nothing to say meanwhile.
  void expect_nothing() {
    auto other = call_later({"GET", "other"});
    server_->expect("GET other");
    server_->answer("$-1\r\n");
    (void)other.get();
  }
  void expect_bounded() {
    EXPECT_THAT(server_->receive(), testing::StartsWith("EVALSHA " + bounded_page_script().sha1()));
  }
  static std::string bytes(const std::string& text) {
    return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
  }
  static std::string entry_of(const RecordDraft& draft) {
    std::string record;
    encode_record(ChatId::parse("a:b").value(), draft, record);
    return "*2\r\n$18\r\n1700000000000000-0\r\n*2\r\n$1\r\nr\r\n" + bytes(record);
  }
  /// An entry of a text.
  static std::string entry(const std::string& text) {
    return entry_of(draft_of_message({ChatId::parse("a:b").value(), "a", text, ""}));
  }
  static std::string edit() { return entry_of({.kind = RecordKind::kEdit, .sender = "a", .about = 1, .body = "x"}); }

  const ChatId chat_ = ChatId::parse("a:b").value();
  const std::string stream_ = redis_key(redis_lane_of("a:b", 8), RedisKey::kLog, "a:b");
  const PageRange range_{.limit = 10};
  redis::FakeRedis fake_;
  std::unique_ptr<redis::FakeConnection> server_;
  RedisIdentity identity_;
  std::unique_ptr<RedisReader> reader_;
};

TEST_F(RedisReaderTest, NothingIsReadWhileItIsNotSettledWhichStoreThereIs) {
  identity_.lose("another");
  const auto refused = read_later().get();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
}

TEST_F(RedisReaderTest, WhatIsTooLargeIsNotAskedForAgain) {
  auto page = read_later();
  EXPECT_THAT(server_->receive(), testing::StartsWith("XRANGE " + stream_));
  auto other = call_later({"GET", "other"});
  server_->expect("GET other");
  server_->answer("*1\r\n*2\r\n$18\r\n1700000000000000-0\r\n*2\r\n$1\r\nr\r\n$67108865\r\n");
  EXPECT_TRUE(server_->closed());
  EXPECT_EQ(other.get().outcome, Outcome::kLost);
  *server_ = fake_.accept_ready();
  expect_bounded();
  server_->answer("*2\r\n:0\r\n*1\r\n" + entry("text"));
  const auto first = page.get();
  ASSERT_TRUE(first) << first.error().detail;
  EXPECT_EQ(text_of(first), "text");
  page = read_later();
  expect_bounded();  // at once: there may be more of them
  server_->answer("*2\r\n:0\r\n*1\r\n" + entry("text"));
  EXPECT_TRUE(page.get());
  EXPECT_THAT(metrics_.text(), testing::ContainsRegex("parley_redis_calls_total.*too_large.* 1\n"));
}

TEST_F(RedisReaderTest, APageThatWasCutIsKeptUntilItsServerIsLost) {
  const PageRange first{.limit = 1};
  const std::string two = "*2\r\n" + entry("text") + entry("more");
  std::future<Result<RecordPage>> page;
  for (int i = 0; i < 2; ++i) {  // it is kept when it is asked for again
    page = read_later(first);
    EXPECT_THAT(server_->receive(), testing::StartsWith("XRANGE " + stream_ + " - + COUNT 2"));
    server_->answer(two);
    EXPECT_TRUE(page.get()->has_more);
  }
  const auto again = read_later(first).get();
  ASSERT_TRUE(again) << again.error().detail;
  EXPECT_EQ(text_of(again), "text");
  EXPECT_TRUE(again->has_more);
  expect_nothing();
  // Whoever is promoted, or started again, may lack what the one before had.
  server_->close();
  *server_ = fake_.accept_ready();
  expect_nothing();
  page = read_later(first);
  EXPECT_THAT(server_->receive(), testing::StartsWith("XRANGE " + stream_ + " - + COUNT 2"));
  server_->answer("*1\r\n" + entry("another"));
  EXPECT_EQ(text_of(page.get()), "another");
}

TEST_F(RedisReaderTest, APageThatMayGrowIsReadAgain) {
  for (const PageRange& range : {PageRange{.limit = 2}, PageRange{.limit = 1, .reverse = true}}) {
    for (int i = 0; i < 3; ++i) {
      auto page = read_later(range);
      EXPECT_THAT(server_->receive(), testing::StartsWith(range.reverse ? "XREVRANGE " : "XRANGE "));
      server_->answer("*2\r\n" + entry("text") + entry("more"));
      EXPECT_TRUE(page.get());
    }
  }
}

TEST_F(RedisReaderTest, WhetherAChatIsThereIsAskedOfEmptyPagesAlone) {
  auto page = read_later();
  (void)server_->receive();
  server_->answer("*1\r\n" + edit());
  const auto other_kinds = page.get();  // no further question
  ASSERT_TRUE(other_kinds) << other_kinds.error().detail;
  EXPECT_TRUE(other_kinds->records.empty());
  for (const bool there : {true, false}) {
    page = read_later();
    (void)server_->receive();
    server_->answer("*0\r\n");
    server_->expect("EXISTS " + stream_);
    server_->answer(there ? ":1\r\n" : ":0\r\n");
    const auto empty = page.get();
    EXPECT_EQ(empty.has_value(), there);
    if (!empty) EXPECT_EQ(empty.error().code, ErrorCode::kChatNotFound);
  }
}

TEST_F(RedisReaderTest, OtherKindsAreSkippedManyAtATime) {
  auto page = read_later({.limit = 1});
  EXPECT_THAT(server_->receive(), testing::EndsWith(" COUNT 2"));
  server_->answer("*2\r\n" + entry("text") + edit());
  EXPECT_THAT(server_->receive(), testing::EndsWith(" COUNT 64"));
  server_->answer("*0\r\n");
  const auto found = page.get();
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->has_more);
}

TEST_F(RedisReaderTest, ALargerTextThanMayBeSentIsKeptInMind) {
  auto page = read_later();
  EXPECT_THAT(server_->receive(), testing::StartsWith("XRANGE " + stream_));
  server_->answer("*1\r\n" + entry(std::string(std::size_t{1} << 20, 'x')));
  EXPECT_EQ(text_of(page.get()).size(), std::size_t{1} << 20);
  page = read_later();
  expect_bounded();
  server_->answer("*2\r\n:0\r\n*1\r\n" + entry("text"));
  EXPECT_TRUE(page.get());
}

}  // namespace
}  // namespace parley::store
