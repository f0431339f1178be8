// What is acknowledged where Redis fails over in the middle of an append, by a server that does as it is told.
#include "store/redis_writer.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "redis/client_fixture.h"
#include "redis/fake_redis.h"
#include "store/redis_scripts.h"

namespace parley::store {
namespace {

using redis::FakeConnection;

constexpr std::int64_t kNow = 1'700'000'000'000'000;
constexpr const char* kKnownId = "1700000000000000-0";
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
    options.clock = [] { return kNow; };
    recent_.push_back(std::make_unique<RecentChats>(std::size_t{1} << 20));
    writer_ = std::make_unique<RedisWriter>(*client_, options, recent_, *store_metrics_);
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

  redis::FakeRedis fake_;
  std::unique_ptr<FakeConnection> unused_;
  std::unique_ptr<FakeConnection> master_;
  RecentChatsOfLoops recent_;
  std::shared_ptr<StoreMetrics> store_metrics_ = register_store_metrics(metrics_);
  std::unique_ptr<RedisWriter> writer_;
};

TEST_F(RedisWriterTest, WhatAPromotedServerLacksIsNotSettled) {
  auto appended = append_later("");
  const std::string add = receive();
  ASSERT_THAT(add, testing::StartsWith(std::string("XADD ") + kStream + " " + kKnownId + " s 0"));
  fail_over();
  EXPECT_EQ(receive(), add);
  master_->answer("-ERR The ID specified in XADD is equal or smaller than the target stream top item\r\n:1\r\n");
  // The look and the write that replicas confirm are one command, so that no other server can get one of the two.
  const std::string settle = receive();
  EXPECT_THAT(settle, testing::StartsWith("EVALSHA " + settle_script().sha1() + " 1 " + kStream + " " + kKnownId));
  fail_over();
  EXPECT_EQ(receive(), settle);
  master_->answer(":0\r\n:1\r\n");
  EXPECT_THAT(receive(), testing::StartsWith("EVALSHA " + append_once_script().sha1()));
  master_->answer("*2\r\n:1\r\n:1700000000000005\r\n:1\r\n");
  const auto result = appended.get();
  ASSERT_TRUE(result) << result.error().detail;
  EXPECT_EQ(result->send_time, kNow + 5);
}

TEST_F(RedisWriterTest, AnAnswerThatCannotBeSoLargeIsSettledAsALostOne) {
  auto appended = append_later("");
  const std::string add = receive();
  master_->answer("$536870912\r\n");
  fail_over();
  EXPECT_EQ(receive(), add);
  master_->answer("$18\r\n" + std::string(kKnownId) + "\r\n:1\r\n");
  EXPECT_TRUE(appended.get());
}

TEST_F(RedisWriterTest, ARepeatIsConfirmedWhereItWasFound) {
  auto appended = append_later("key");
  const std::string append = receive();
  ASSERT_THAT(append, testing::StartsWith("EVALSHA " + append_once_script().sha1()));
  EXPECT_THAT(append, testing::EndsWith(" 1"));  // with a write behind what is known
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
