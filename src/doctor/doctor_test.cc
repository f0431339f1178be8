// What is judged from what was seen; that it is seen is for the functional tests.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "doctor/disk.h"
#include "doctor/finding.h"
#include "doctor/machine.h"
#include "doctor/nodes.h"
#include "doctor/redis.h"

namespace parley::doctor {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// The problems among the findings, as "subject: found".
std::vector<std::string> problems(const Findings& findings) {
  std::vector<std::string> out;
  for (const Finding& finding : findings) {
    if (finding.good()) continue;
    EXPECT_NE(finding.remedy, "") << finding.subject;
    out.push_back(finding.subject + ": " + finding.found);
  }
  return out;
}

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

class JudgeDisk : public testing::Test {
 protected:
  [[nodiscard]] std::vector<std::string> judged(bool durable = true) const {
    return problems(judge_disk(facts, durable, 2s));
  }

  DiskFacts facts{.folder = "/data",
                  .existing = "/data",
                  .writable = true,
                  .free_bytes = 50 * kGiB,
                  .free_files = 1'000'000,
                  .sync_p50 = 500us,
                  .sync_p99 = 2ms};
};

TEST_F(JudgeDisk, FindsNothingOnAGoodOne) { EXPECT_THAT(judged(), IsEmpty()); }

TEST_F(JudgeDisk, FindsAFolderThatCannotBeWritten) {
  facts.writable = false;
  EXPECT_THAT(judged(), ElementsAre("folder /data: /data cannot be written to"));
}

TEST_F(JudgeDisk, FindsWhatIsNoFolder) {
  facts.no_folder = true;
  EXPECT_THAT(judged(), ElementsAre("folder /data: /data is there, and no folder"));
}

TEST_F(JudgeDisk, FindsWhatBelongsToSomebodyElse) {
  facts.only_as_root = true;
  EXPECT_THAT(judged(), ElementsAre(HasSubstr("belongs to another user")));
  facts.only_as_root = false;
  facts.unusable = "/data/CURRENT";
  EXPECT_THAT(judged(), ElementsAre("folder /data: /data/CURRENT cannot be read and written"));
}

TEST_F(JudgeDisk, FindsAFolderThatOthersMayRead) {
  facts.open_to_others = true;
  EXPECT_THAT(judged(), ElementsAre("folder /data: other users may read or write it"));
}

TEST_F(JudgeDisk, FindsADiskThatIsNearlyFull) {
  facts.free_bytes = kGiB / 2;
  EXPECT_THAT(judged(), ElementsAre(HasSubstr("512MiB free")));
  facts.free_bytes = kGiB;
  facts.free_files = 5;
  EXPECT_THAT(judged(), ElementsAre(HasSubstr("5 files")));
}

TEST_F(JudgeDisk, FindsWhatIsNoDisk) {
  facts.in_memory = true;
  EXPECT_THAT(judged(), ElementsAre("disk of /data: it is in memory"));
  EXPECT_THAT(judged(false), IsEmpty());
  facts.in_memory = false;
  facts.over_network = true;
  EXPECT_THAT(judged(), ElementsAre(HasSubstr("over a network")));
}

TEST_F(JudgeDisk, FindsASlowOrFailingSync) {
  facts.sync_p99 = 400ms;
  EXPECT_THAT(judged(), ElementsAre(HasSubstr("400.00 ms")));
  EXPECT_THAT(judged(false), IsEmpty());
  facts.sync_p99 = 0us;
  EXPECT_THAT(judged(), ElementsAre(HasSubstr("cannot be synced")));
}

TEST(JudgeMachine, FindsTooFewDescriptors) {
  Needs needs{.listeners = 3, .connections = 20'000, .asked_for = true, .memory = kGiB / 2};
  EXPECT_THAT(problems(judge_machine({.descriptors = 61'000, .memory = 4 * kGiB}, needs)), IsEmpty());
  EXPECT_THAT(problems(judge_machine({.descriptors = 60'999, .memory = 4 * kGiB}, needs)),
              ElementsAre(HasSubstr("open files: 60999")));
  needs.asked_for = false;
  const Findings findings = judge_machine({.descriptors = 1024, .memory = 4 * kGiB}, needs);
  EXPECT_THAT(problems(findings), IsEmpty());
  EXPECT_THAT(findings.front().found, HasSubstr("each listener takes 170 connections"));
}

TEST(ConnectionsWithin, LeaveSomeForTheStore) {
  EXPECT_EQ(connections_within(1024, 3), 170U);
  EXPECT_EQ(connections_within(20'000, 3), 6333U);
  EXPECT_EQ(connections_within(20'000, 1), 19'000U);
  EXPECT_GE(connections_within(1, 3), 1U);
}

TEST(JudgeMachine, FindsTooLittleMemory) {
  const Needs needs{.listeners = 1, .connections = 100, .memory = kGiB};
  EXPECT_THAT(problems(judge_machine({.descriptors = 100'000, .memory = 2 * kGiB}, needs)), IsEmpty());
  EXPECT_THAT(problems(judge_machine({.descriptors = 100'000, .memory = kGiB}, needs)),
              ElementsAre(HasSubstr("memory: 1GiB")));
}

class JudgeNodes : public testing::Test {
 protected:
  [[nodiscard]] std::vector<std::string> judged() const { return problems(judge_nodes({one, two})); }

  NodeFacts one{.address = "n1:8888", .store_id = "s", .durability = "fsync", .clock_offset = -3ms};
  NodeFacts two{.address = "n2:8888", .store_id = "s", .durability = "fsync", .clock_offset = 4ms};
};

TEST_F(JudgeNodes, FindsNothingWhereTheyAreAlike) { EXPECT_THAT(judged(), IsEmpty()); }

TEST_F(JudgeNodes, FindsOneThatCannotBeUsed) {
  two = {.address = "n2:8888", .failure = "n2:8888: cannot connect: refused"};
  EXPECT_THAT(judged(), ElementsAre(HasSubstr("cannot connect")));
}

TEST_F(JudgeNodes, FindsTwoStores) {
  two.store_id = "t";
  EXPECT_THAT(judged(), ElementsAre("nodes' stores: there are 2"));
}

TEST_F(JudgeNodes, FindsTwoDurabilities) {
  two.durability = "os";
  EXPECT_THAT(judged(), ElementsAre("nodes' durability: some have fsync, others os"));
}

TEST_F(JudgeNodes, FindsClocksThatDiffer) {
  two.clock_offset = 498ms;
  EXPECT_THAT(judged(), ElementsAre("clocks: they differ by 501.0 ms"));
}

TEST_F(JudgeNodes, SaysNothingGoodOfNodesThatItNeverReached) {
  one = {.address = "n1:8888", .failure = "n1:8888: cannot connect: refused"};
  two = {.address = "n2:8888", .failure = "n2:8888: cannot connect: refused"};
  EXPECT_THAT(judged(), ElementsAre(HasSubstr("n1"), HasSubstr("n2"), "nodes: none was reached"));
  for (const Finding& finding : judge_nodes({one, two})) EXPECT_FALSE(finding.good()) << finding.subject;
  EXPECT_THAT(problems(judge_nodes({})), ElementsAre("nodes: none was reached"));
}

TEST_F(JudgeNodes, AsksNoMoreOfForeignServers) {
  one = {.address = "n1:8888"};
  two = {.address = "n2:8888"};
  EXPECT_THAT(judged(), IsEmpty());
  const std::string told = to_text(judge_nodes({two}));
  for (const char* subject : {"nodes' stores", "nodes' durability", "clocks"}) {
    EXPECT_THAT(told, HasSubstr(std::string(subject) + ": not known"));
  }
}

TEST_F(JudgeNodes, FindsAForeignServerBesideANodeOfOurs) {
  two = {.address = "n2:8888"};
  EXPECT_THAT(judged(), ElementsAre(HasSubstr("servers of another kind")));
}

class JudgeRedis : public testing::Test {
 protected:
  [[nodiscard]] std::vector<std::string> judged(store::Durability durability = store::Durability::kFsync,
                                                std::size_t replicas = 0) const {
    RedisServers servers{.overcommit = overcommit};
    servers.masters.emplace("r:6379", facts);
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
  int overcommit = 1;
};

TEST_F(JudgeRedis, FindsNothingWhereItFits) { EXPECT_THAT(judged(), IsEmpty()); }

TEST_F(JudgeRedis, FindsSettingsThatWouldLoseMessages) {
  facts.settings.values["appendfsync"] = "everysec";
  EXPECT_THAT(judged(), ElementsAre(HasSubstr("appendfsync")));
  EXPECT_THAT(judged(store::Durability::kOs), IsEmpty());
  facts.settings.values["maxmemory-policy"] = "allkeys-lru";
  EXPECT_THAT(judged(store::Durability::kOs), ElementsAre(HasSubstr("maxmemory-policy")));
}

TEST_F(JudgeRedis, FindsAllThatDoesNotFitAndSaysOfEachWhatToDo) {
  facts.settings.values["appendonly"] = "no";
  facts.settings.values["maxmemory-policy"] = "allkeys-lru";
  EXPECT_THAT(judged(), ElementsAre(HasSubstr("maxmemory-policy"), HasSubstr("appendonly")));
  RedisServers servers;
  servers.masters.emplace("r:6379", facts);
  const Findings findings = judge_redis(servers, store::Durability::kFsync, 0);
  EXPECT_THAT(findings.at(0).remedy, HasSubstr("CONFIG SET maxmemory-policy noeviction"));
  EXPECT_THAT(findings.at(1).remedy, HasSubstr("CONFIG SET appendonly yes"));
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
  EXPECT_THAT(judged(store::Durability::kFsync, 1), IsEmpty());
  EXPECT_THAT(judged(store::Durability::kFsync, 2), ElementsAre(HasSubstr("1 replicas are connected")));
}

TEST_F(JudgeRedis, FindsAServerThatDoesNotAnswerAndAMachineThatMayRefuseMemory) {
  facts.settings.known = false;
  facts.info.clear();
  overcommit = 0;
  EXPECT_THAT(judged(), ElementsAre("Redis r:6379: it does not answer", HasSubstr("overcommit_memory is 0")));
  EXPECT_THAT(problems(judge_redis({.failure = "refused"}, store::Durability::kOs, 0)), ElementsAre("Redis: refused"));
  EXPECT_THAT(judge_redis({.failure = "r: it asks for a password"}, store::Durability::kOs, 0).at(0).remedy,
              HasSubstr("--redis-password-file"));
}

TEST(Findings, AreWrittenForPeopleAndPrograms) {
  const Findings findings{{"a", "well"}, {"b\x1b", "bad \"x\"", "that it works", "mend it"}};
  EXPECT_EQ(to_text(findings),
            "ok      a: well\nPROBLEM b\\u001b: bad \"x\"\n        at stake: that it works\n        remedy: mend it\n"
            "1 of 2 to look after\n");
  EXPECT_THAT(to_json(findings), HasSubstr(R"("found":"bad \"x\"","good":false)"));
  EXPECT_THAT(to_text({findings.front()}), HasSubstr("all is well"));
  EXPECT_FALSE(all_good(findings));
}

}  // namespace
}  // namespace parley::doctor
