// What is acknowledged where Redis fails over in the middle of an append, by a server that does as it is told.
#include "store/redis/writer.h"

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "redis/client_fixture.h"
#include "redis/fake_redis.h"
#include "store/redis/scripts.h"

namespace parley::store {
namespace {

using redis::FakeConnection;

constexpr std::int64_t kStart = 1'700'000'000'000'000;
constexpr const char* kStream = "parley:{ca:b}";

class RedisWriterTest : public redis::ClientTest {
 protected:
  RedisWriterTest() {
    auto started = start_later({.servers = {fake_.endpoint()},
                                .replicas = 1,
                                .connect_timeout = milliseconds(20'000),
                                .patience = milliseconds(20'000),
                                .watch = milliseconds(20'000)});
    unused_ = std::make_unique<FakeConnection>(fake_.accept());  // the first is for what is not replicated
    master_ = std::make_unique<FakeConnection>(fake_.accept());
    (void)std::move(*unused_).ready();
    (void)std::move(*master_).ready();
    EXPECT_TRUE(started.get());
    StoreOptions options;
    options.clock = [this] { return now_ += 10; };
    recent_.push_back(std::make_unique<RecentChats>(std::size_t{1} << 20));
    writer_ = std::make_unique<RedisWriter>(*client_, identity_, options, recent_, *store_metrics_);
  }

  std::future<Result<Appended>> append_later(std::string key) {
    Draft draft{ChatId::parse("a:b").value(), "a", "text", std::move(key)};
    return spawn(writer_->append(std::move(draft), in(milliseconds(20'000))));
  }
  /// The command that comes, and the WAIT behind it.
  std::string receive() {
    std::string command = master_->receive();
    EXPECT_THAT(master_->receive(), testing::StartsWith("WAIT 1 "));
    return command;
  }
  /// The connection breaks before the answer, and whoever is connected to next is another server.
  void fail_over() {
    master_->close();
    *master_ = fake_.accept_ready();
  }

  /// The id under which `command` tries to add: the first that it has.
  static std::string id_in(const std::string& command) {
    const std::size_t end = command.find("-0 ");
    return end == std::string::npos ? command : command.substr(end - 16, 18);
  }

  redis::FakeRedis fake_;
  std::atomic<std::int64_t> now_ = kStart;
  std::unique_ptr<FakeConnection> unused_;
  std::unique_ptr<FakeConnection> master_;
  RecentChatsOfLoops recent_;
  std::shared_ptr<StoreMetrics> store_metrics_ = register_store_metrics(metrics_);
  RedisIdentity identity_;
  std::unique_ptr<RedisWriter> writer_;
};

// The store's own look at `identity_` may have come just before that was lost.
TEST_F(RedisWriterTest, NothingIsSentWhileItIsNotSettledWhichStoreThereIs) {
  identity_.lose("another");
  const auto refused = append_later("").get();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(refused.error().detail, testing::HasSubstr("another"));
}

// A reader may have seen a later message on the server that is gone: the time of the first attempt is behind its
// cursor.
TEST_F(RedisWriterTest, APromotedServerIsSentATimeOfThatMoment) {
  auto appended = append_later("");
  const std::string add = receive();
  ASSERT_THAT(add, testing::StartsWith(std::string("XADD ") + kStream + " 1700000000000010-0 s 0"));
  fail_over();
  // The look for the first entry, and the append under a later time, are one command.
  const std::string again = receive();
  EXPECT_THAT(again, testing::StartsWith("EVALSHA "));
  EXPECT_GT(id_in(again), id_in(add));
  EXPECT_THAT(again, testing::EndsWith(" text 1700000000000010 1700000000000010-0"));
  fail_over();
  const std::string and_again = receive();
  EXPECT_GT(id_in(and_again), id_in(again));
  EXPECT_THAT(and_again, testing::EndsWith(" text 1700000000000010 1700000000000010-0"));
  master_->answer(":1\r\n:1\r\n");
  const auto result = appended.get();
  ASSERT_TRUE(result) << result.error().detail;
  EXPECT_EQ(std::to_string(result->send_time) + "-0", id_in(and_again));
}

// The server refuses a lost XADD that arrives late for what was added after it, and only above its time.
TEST_F(RedisWriterTest, WhatIsSentAgainNeverGetsAnEarlierTime) {
  recent_[0] = std::make_unique<RecentChats>(1);
  auto appended = append_later("");
  const std::string add = receive();
  const auto forget = [this] { recent_[0]->saw("another chat", kStart); };
  net::run_on(loops_[0], forget);
  now_ = kStart - 1'000;
  fail_over();
  EXPECT_GE(id_in(receive()), id_in(add));
  master_->answer(":1\r\n:1\r\n");
  EXPECT_TRUE(appended.get());
}

TEST_F(RedisWriterTest, WhatIsFoundStoredKeepsItsTime) {
  auto appended = append_later("");
  (void)receive();
  fail_over();
  (void)receive();
  master_->answer("*2\r\n:2\r\n:1700000000000010\r\n:1\r\n");
  const auto result = appended.get();
  ASSERT_TRUE(result) << result.error().detail;
  EXPECT_EQ(result->send_time, kStart + 10);
  EXPECT_FALSE(result->duplicate);
}

TEST_F(RedisWriterTest, WhatHadToWaitIsSentUnderATimeOfThatMoment) {
  for (const char* key : {"", "key"}) {
    auto appended = append_later(key);
    const std::string first = receive();
    master_->answer("-LOADING Redis is loading the dataset in memory\r\n:1\r\n");
    const std::string second = receive();
    EXPECT_GT(id_in(second), id_in(first));
    master_->answer(*key ? ":1\r\n:1\r\n" : "$18\r\n" + id_in(second) + "\r\n:1\r\n");
    const auto result = appended.get();
    ASSERT_TRUE(result) << result.error().detail;
    EXPECT_EQ(std::to_string(result->send_time) + "-0", id_in(second));
  }
}

TEST_F(RedisWriterTest, AnAnswerThatCannotBeSoLargeIsSettledAsALostOne) {
  auto appended = append_later("");
  (void)receive();
  master_->answer("$536870912\r\n");
  fail_over();
  EXPECT_THAT(receive(), testing::EndsWith(" 1700000000000010-0"));
  master_->answer(":1\r\n:1\r\n");
  EXPECT_TRUE(appended.get());
}

TEST_F(RedisWriterTest, ARepeatIsConfirmedWhereItWasFound) {
  // With a write behind what is known.
  const redis::Script confirming = make_append_script(
      {.window = std::chrono::hours(24), .takes = std::chrono::hours(24) + std::chrono::minutes(1), .confirm = true});
  auto appended = append_later("key");
  EXPECT_THAT(receive(), testing::StartsWith("EVALSHA " + confirming.sha1()));
  master_->answer("*2\r\n:2\r\n:1700000000000000\r\n:0\r\n");
  const auto short_of_replicas = appended.get();
  ASSERT_FALSE(short_of_replicas);
  EXPECT_EQ(short_of_replicas.error().code, ErrorCode::kOutcomeUnknown);
  appended = append_later("key");
  (void)receive();
  master_->answer("*2\r\n:2\r\n:1700000000000000\r\n:1\r\n");
  const auto confirmed = appended.get();  // no other command, which another server might get
  ASSERT_TRUE(confirmed);
  EXPECT_TRUE(confirmed->duplicate);
}

}  // namespace
}  // namespace parley::store
