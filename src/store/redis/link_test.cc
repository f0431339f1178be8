// Links to Redis that break at every byte: nothing is lost, nothing is doubled.
#include <gmock/gmock.h>

#include "store/redis/breaking_link.h"
#include "store/redis/lanes.h"
#include "store/redis/store_fixture.h"

namespace parley::store {
namespace {

class RedisLinkTest : public RedisStoreFixture {
 protected:
  void SetUp() override { store_ = RedisStoreFixture::open(client_of(link_.endpoint()), options()); }

  /// Appends one message after the other while each breaks its link at another byte, until one is through before that.
  void break_everywhere(void (BreakingLink::*break_after)(std::int64_t), const std::string& key, std::int64_t step) {
    std::vector<std::string> expected;
    std::int64_t before = 0;
    for (std::int64_t at = 0; at == 0 || link_.broke(); at += step) {
      ++now_;
      expected.push_back("text " + std::to_string(at));
      (link_.*break_after)(at);
      const auto appended =
          start_append({chat_of("a:b"), "a", expected.back(), key.empty() ? "" : key + expected.back()},
                       in(std::chrono::seconds(30)), 0)
              .get();
      ASSERT_TRUE(appended) << at << ": " << appended.error().detail;
      EXPECT_GT(appended->send_time, before);
      before = appended->send_time;
      ASSERT_LT(at, 2000);
    }
    (link_.*break_after)(-1);
    EXPECT_GT(expected.size(), 3U);
    EXPECT_EQ(texts("a:b"), expected);
  }

  BreakingLink link_{server_.port()};
};

TEST_F(RedisLinkTest, AnswersBreakAtEveryByte) {
  break_everywhere(&BreakingLink::break_answer, "", 1);
  EXPECT_THAT(metrics_.text(), testing::ContainsRegex("parley_store_replies_settled_total [1-9]"));
}
TEST_F(RedisLinkTest, WhatIsSettledIsConfirmedByReplicas) {
  redis::RedisServer replica(durable_redis());
  replica.follow(server_);
  redis::ClientOptions servers = client_of(link_.endpoint());
  servers.replicas = 1;
  store_ = RedisStoreFixture::open(servers, options());
  break_everywhere(&BreakingLink::break_answer, "", 5);
  EXPECT_THAT(metrics_.text(), testing::ContainsRegex("parley_store_replies_settled_total [1-9]"));
  EXPECT_NE(replica.field({"INFO", "commandstats"}, "cmdstat_persist"), "");
}
TEST_F(RedisLinkTest, AStartGoesOnWhereverAnAnswerBreaks) {
  for (std::int64_t at = 0; at == 0 || link_.broke(); at += 41) {
    store_.reset();
    link_.break_answer(at);
    store_ = RedisStoreFixture::open(client_of(link_.endpoint()), options());
    ASSERT_LT(at, 20'000);
  }
}
TEST_F(RedisLinkTest, AnswersToKeyedSendsBreakAtEveryByte) { break_everywhere(&BreakingLink::break_answer, "key", 1); }
TEST_F(RedisLinkTest, QuestionsBreakAnywhere) { break_everywhere(&BreakingLink::break_question, "", 7); }
TEST_F(RedisLinkTest, QuestionsOfKeyedSendsBreakAnywhere) {
  break_everywhere(&BreakingLink::break_question, "key", 31);
}

TEST_F(RedisLinkTest, ASendThatIsRefusedForItsLimitIsStoredOnceOrItsOutcomeIsUnknown) {
  // The lane runs ahead of the node again and again, so that every send takes more than one step; no byte of it is
  // spared.
  stored("a:b", "a", "first");
  const std::string clock = redis_key(store_->lane_of("a:b"), RedisKey::kClock);
  std::vector<std::string> expected = {"first"};
  std::int64_t ahead = kStart;
  std::size_t unknown = 0;
  for (std::int64_t at = 0; at == 0 || link_.broke(); at += 3) {
    ahead += 2 * kIndexGrain;
    (void)server_.ask({"HSET", clock, "t", std::to_string(ahead)});
    link_.break_answer(at);
    const std::string text = "text " + std::to_string(at);
    const auto appended = start_append({chat_of("a:b"), "a", text, ""}, in(std::chrono::seconds(30)), 0).get();
    if (appended) {
      EXPECT_EQ(appended->send_time, ahead + 1);
      expected.push_back(text);
    } else {
      EXPECT_EQ(appended.error().code, ErrorCode::kOutcomeUnknown) << at << ": " << appended.error().detail;
      ++unknown;
    }
    ASSERT_LT(at, 2000);
  }
  link_.break_answer(-1);
  EXPECT_GT(unknown, 0U);
  EXPECT_GT(expected.size(), 10U);
  EXPECT_EQ(texts("a:b"), expected);
}

TEST_F(RedisLinkTest, ALateCommandStoresNothing) {
  for (const char* key : {"", "key"}) {
    const std::string chat = std::string("a:b") + key;
    stored(chat, "a", "first");
    ++now_;
    link_.keep_question();
    const auto appended = start_append({chat_of(chat), "a", "second", key}, in(std::chrono::seconds(30)), 0).get();
    ASSERT_TRUE(appended) << appended.error().detail;
    ASSERT_TRUE(link_.broke());
    link_.deliver();
    EXPECT_THAT(texts(chat), testing::ElementsAre("first", "second"));
  }
}

TEST_F(RedisLinkTest, WhereTheDeadlineComesFirstTheOutcomeIsUnknown) {
  stored("a:b", "a", "first");
  server_.freeze();
  const auto frozen = start_append({chat_of("a:b"), "a", "second", ""}, in(std::chrono::milliseconds(200)), 0).get();
  EXPECT_EQ(code_of(frozen), ErrorCode::kOutcomeUnknown);
  const auto read = run(store_->read(chat_of("a:b"), {}, in(std::chrono::milliseconds(200))));
  EXPECT_FALSE(read);
  server_.thaw();
}

}  // namespace
}  // namespace parley::store
