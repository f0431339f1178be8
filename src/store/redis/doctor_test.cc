// What is judged from what was seen; that it is seen is for the functional tests.
#include "store/redis/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/finding_fixture.h"

namespace parley::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class JudgeRedis : public testing::Test {
 protected:
  [[nodiscard]] std::vector<std::string> judged(Durability durability = Durability::kFsync,
                                                std::size_t replicas = 0) const {
    RedisServers servers{.overcommit = overcommit};
    servers.masters.emplace("r:6379", facts);
    servers.store = store;
    return problems(judge_redis(servers, durability, replicas));
  }

  RedisFacts facts{.settings = {.values = {{"appendonly", "yes"},
                                           {"appendfsync", "always"},
                                           {"maxmemory-policy", "noeviction"},
                                           {"stream-node-max-bytes", "1536"}}},
                   .info = {{"redis_version", "7.0.15"},
                            {"connected_slaves", "1"},
                            {"aof_last_write_status", "ok"},
                            {"maxmemory", "4000000000"},
                            {"used_memory", "1000000"},
                            {"total_system_memory", "8000000000"}}};
  RedisStoreFacts store{.format = "2", .id = "an id", .lanes = "16"};
  int overcommit = 1;
};

TEST_F(JudgeRedis, FindsNothingWhereItFits) { EXPECT_THAT(judged(), IsEmpty()); }

TEST_F(JudgeRedis, FindsSettingsThatWouldLoseMessages) {
  facts.settings.values["appendfsync"] = "everysec";
  EXPECT_THAT(judged(), ElementsAre(HasSubstr("appendfsync")));
  EXPECT_THAT(judged(Durability::kOs), IsEmpty());
  facts.settings.values["maxmemory-policy"] = "allkeys-lru";
  EXPECT_THAT(judged(Durability::kOs), ElementsAre(HasSubstr("maxmemory-policy")));
}

TEST_F(JudgeRedis, FindsAllThatDoesNotFitAndSaysOfEachWhatToDo) {
  facts.settings.values["appendonly"] = "no";
  facts.settings.values["maxmemory-policy"] = "allkeys-lru";
  EXPECT_THAT(judged(), ElementsAre(HasSubstr("maxmemory-policy"), HasSubstr("appendonly")));
  RedisServers servers;
  servers.masters.emplace("r:6379", facts);
  const Findings findings = judge_redis(servers, Durability::kFsync, 0);
  EXPECT_THAT(findings.at(0).fix, HasSubstr("CONFIG SET maxmemory-policy noeviction"));
  EXPECT_THAT(findings.at(1).fix, HasSubstr("CONFIG SET appendonly yes"));
}

TEST_F(JudgeRedis, SaysWhatTheStoreIs) {
  RedisServers servers{.store = store};
  EXPECT_EQ(judge_redis(servers, Durability::kFsync, 0).at(0).found,
            "its id is an id, its format is 2, and it has 16 lanes");
  servers.store = {};
  EXPECT_THAT(judge_redis(servers, Durability::kFsync, 0).at(0).found, HasSubstr("none yet"));
  store.format = "1";
  EXPECT_THAT(judged(), ElementsAre(HasSubstr("the data have format 1")));
  store = {.format = "2", .id = "an id"};
  EXPECT_THAT(judged(), ElementsAre(HasSubstr("lanes:{parley:id} is gone")));
}

TEST_F(JudgeRedis, FindsMemoryThatNothingBounds) {
  facts.info["maxmemory"] = "0";
  EXPECT_THAT(judged(), ElementsAre(HasSubstr("maxmemory is 0")));
}

TEST_F(JudgeRedis, FindsWhatFitsAndIsNotWise) {
  facts.settings.values["stream-node-max-bytes"] = "4096";
  EXPECT_THAT(judged(), ElementsAre(HasSubstr("stream-node-max-bytes")));
}

TEST_F(JudgeRedis, FindsAnOldOrFullOrFailingServer) {
  facts.info["redis_version"] = "6.2.1";
  EXPECT_THAT(judged(), ElementsAre("Redis r:6379: its version is 6.2.1"));
  facts.info["redis_version"] = "7.4";
  facts.info["aof_last_write_status"] = "err";
  EXPECT_THAT(judged(), ElementsAre(HasSubstr("the log failed")));
  facts.info["aof_last_write_status"] = "ok";
  facts.info["maxmemory"] = "7000000000";
  EXPECT_THAT(judged(), ElementsAre(HasSubstr("maxmemory is")));
  facts.info["maxmemory"] = "1000000";
  EXPECT_THAT(judged(), ElementsAre(HasSubstr("it uses 0 MiB")));
}

TEST_F(JudgeRedis, FindsTooFewReplicas) {
  EXPECT_THAT(judged(Durability::kFsync, 1), IsEmpty());
  EXPECT_THAT(judged(Durability::kFsync, 2), ElementsAre(HasSubstr("1 replicas are connected")));
}

TEST_F(JudgeRedis, FindsAServerThatDoesNotAnswerAndAMachineThatMayRefuseMemory) {
  facts.settings.known = false;
  facts.info.clear();
  overcommit = 0;
  EXPECT_THAT(judged(), ElementsAre("Redis r:6379: it does not answer", HasSubstr("overcommit_memory is 0")));
  EXPECT_THAT(problems(judge_redis({.failure = "refused"}, Durability::kOs, 0)), ElementsAre("Redis: refused"));
  EXPECT_THAT(judge_redis({.failure = "r: the server asks for a password: give one"}, Durability::kOs, 0).at(0).fix,
              HasSubstr("--redis-password-file"));
}

}  // namespace
}  // namespace parley::store
