#include "store/redis/settings.h"

#include <chrono>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "redis/client_fixture.h"
#include "redis/redis_server_fixture.h"
#include "store/redis/health.h"

namespace parley::store {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

RedisSettings durable() {
  return {.values = {{"appendonly", "yes"},
                     {"appendfsync", "always"},
                     {"no-appendfsync-on-rewrite", "no"},
                     {"maxmemory-policy", "noeviction"},
                     {"stream-node-max-bytes", "1536"}}};
}

std::vector<std::string> lines(const std::vector<RedisSettingFault>& faults) {
  std::vector<std::string> out;
  for (const RedisSettingFault& fault : faults) {
    EXPECT_NE(fault.fix, "") << fault.what;
    out.push_back(fault.what);
  }
  return out;
}

std::vector<std::string> unfit(const RedisSettings& settings, Durability durability) {
  return lines(unfit_redis_settings(settings, durability));
}

std::vector<std::string> remarks(const RedisSettings& settings, Durability durability) {
  return lines(redis_setting_remarks(settings, durability));
}

TEST(RedisSettings, WhatFitsHasNoFault) {
  EXPECT_THAT(unfit(durable(), Durability::kFsync), IsEmpty());
  EXPECT_THAT(unfit(durable(), Durability::kOs), IsEmpty());
  EXPECT_THAT(remarks(durable(), Durability::kFsync), IsEmpty());
}

TEST(RedisSettings, WhatDoesNotFitIsNamedWithItsValue) {
  RedisSettings settings = durable();
  settings.values["no-appendfsync-on-rewrite"] = "yes";
  EXPECT_THAT(unfit(settings, Durability::kFsync), ElementsAre(HasSubstr("no-appendfsync-on-rewrite is \"yes\"")));
  EXPECT_THAT(unfit(settings, Durability::kOs), IsEmpty());
  settings.values["appendfsync"] = "everysec";
  EXPECT_THAT(unfit(settings, Durability::kFsync), Contains(HasSubstr("appendfsync is \"everysec\"")));
  EXPECT_THAT(unfit(settings, Durability::kOs), IsEmpty());
  settings.values["appendonly"] = "no";
  EXPECT_THAT(unfit(settings, Durability::kFsync), Contains(HasSubstr("appendonly is \"no\"")));
  EXPECT_THAT(remarks(settings, Durability::kOs), ElementsAre(HasSubstr("appendonly")));
  settings.values["maxmemory-policy"] = "allkeys-lru";
  EXPECT_THAT(unfit(settings, Durability::kFsync),
              ElementsAre(HasSubstr("maxmemory-policy"), HasSubstr("appendonly"), HasSubstr("appendfsync"),
                          HasSubstr("no-appendfsync-on-rewrite")));
  EXPECT_THAT(unfit(settings, Durability::kOs), Contains(HasSubstr("maxmemory-policy is \"allkeys-lru\"")));
}

TEST(RedisSettings, AServerWithoutASettingHasNoneThatCouldBeWrong) {
  const RedisSettings none;
  EXPECT_THAT(unfit(none, Durability::kOs), IsEmpty());
  EXPECT_THAT(unfit(none, Durability::kFsync), Contains(HasSubstr("appendonly is unknown to the server")));
}

TEST(RedisSettings, InfoTellsWhatItCan) {
  const auto info = redis_settings_of_info(
      "# Memory\r\nmaxmemory_policy:noeviction\r\n# Persistence\r\naof_enabled:1\r\nno colon\r\n:\r\nlast:");
  EXPECT_FALSE(info.config_permitted);
  EXPECT_THAT(unfit(info, Durability::kOs), IsEmpty());
  EXPECT_THAT(unfit(info, Durability::kFsync), Contains(HasSubstr("the user may not run CONFIG GET")));
  EXPECT_THAT(remarks(info, Durability::kOs), ElementsAre(HasSubstr("CONFIG GET")));
  EXPECT_THAT(unfit(redis_settings_of_info(""), Durability::kOs), Contains(HasSubstr("maxmemory-policy is unknown")));
  EXPECT_THAT(unfit(redis_settings_of_info("maxmemory_policy:volatile-ttl"), Durability::kOs),
              Contains(HasSubstr("volatile-ttl")));
}

TEST(RedisSettings, WasteOfMemoryIsRemarked) {
  RedisSettings settings = durable();
  for (const char* bytes : {"4096", "0"}) {
    settings.values["stream-node-max-bytes"] = bytes;
    EXPECT_THAT(remarks(settings, Durability::kFsync), ElementsAre(HasSubstr("stream-node-max-bytes")));
  }
}

class RedisSettingsAsked : public redis::ClientTest {};

TEST_F(RedisSettingsAsked, WhatABusyServerDoesNotTellStaysAsItWas) {
  redis::RedisServer server({"busy-reply-threshold 1"});
  ASSERT_TRUE(start({.servers = {server.endpoint()}}));
  const auto asked = [this] { return spawn(ask_redis_settings(*client_, milliseconds(5'000))).get(); };
  const std::string address = server.endpoint().to_string();
  EXPECT_TRUE(asked().at(address).known);
  std::thread endless([&] { (void)server.ask({"EVAL", "while true do end", "0"}); });
  redis::eventually("it is busy", [&] { return server.ask({"PING"}).text.starts_with("BUSY"); });
  EXPECT_FALSE(asked().at(address).known);
  EXPECT_EQ(server.ask({"SCRIPT", "KILL"}).text, "OK");
  endless.join();
  EXPECT_TRUE(asked().at(address).known);
  EXPECT_TRUE(asked().at(address).config_permitted);
}

TEST(RedisHealth, EachServerHasItsOwnVerdict) {
  RedisHealth health(Durability::kFsync);
  RedisSettings unfit = durable();
  unfit.values["appendonly"] = "no";
  RedisSettings silent = durable();
  silent.known = false;
  const auto at = [](int second) { return RedisHealth::Time(std::chrono::seconds(second)); };
  health.observe("one:1", silent, at(1));  // which does not keep the other's from being heard
  health.observe("two:2", unfit, at(1));
  EXPECT_FALSE(health.fit());
  EXPECT_THAT(health.fault(), HasSubstr("two:2: appendonly"));
  health.observe("two:2", silent, at(2));
  EXPECT_FALSE(health.fit());
  health.observe("one:1", durable(), at(2));
  EXPECT_FALSE(health.fit());
  health.observe("two:2", durable(), at(2));
  EXPECT_TRUE(health.fit());
}

TEST(RedisHealth, TheNewestQuestionCounts) {
  RedisHealth health(Durability::kFsync);
  RedisSettings unfit = durable();
  unfit.values["appendonly"] = "no";
  const auto at = [](int second) { return RedisHealth::Time(std::chrono::seconds(second)); };
  health.observe("one:1", unfit, at(2));
  health.observe("one:1", durable(), at(1));
  EXPECT_FALSE(health.fit());
  health.forget_others({{"two:2", durable()}}, at(1));  // it has become one after that
  EXPECT_FALSE(health.fit());
  health.forget_others({{"two:2", durable()}}, at(3));
  EXPECT_TRUE(health.fit());
}

}  // namespace
}  // namespace parley::store
