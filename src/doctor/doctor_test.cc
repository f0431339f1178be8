// What is judged from what was seen; that it is seen is for the functional tests.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/finding_fixture.h"
#include "doctor/finding.h"
#include "doctor/machine.h"
#include "doctor/nodes.h"

namespace parley::doctor {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

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
              ElementsAre(HasSubstr("memory: there is 1GiB")));
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
  EXPECT_THAT(judged(), ElementsAre("nodes' stores: the nodes have 2 different stores"));
}

TEST_F(JudgeNodes, FindsTwoDurabilities) {
  two.durability = "os";
  EXPECT_THAT(judged(), ElementsAre("nodes' durability: some nodes have fsync, others os"));
}

TEST_F(JudgeNodes, FindsClocksThatDiffer) {
  two.clock_offset = 498ms;
  EXPECT_THAT(judged(), ElementsAre("clocks: the clocks differ by 501.0 ms"));
}

TEST_F(JudgeNodes, SaysNothingGoodOfNodesThatItNeverReached) {
  one = {.address = "n1:8888", .failure = "n1:8888: cannot connect: refused"};
  two = {.address = "n2:8888", .failure = "n2:8888: cannot connect: refused"};
  EXPECT_THAT(judged(), ElementsAre(HasSubstr("n1"), HasSubstr("n2"), "nodes: no node could be reached"));
  for (const Finding& finding : judge_nodes({one, two})) EXPECT_FALSE(finding.good()) << finding.subject;
  EXPECT_THAT(problems(judge_nodes({})), ElementsAre("nodes: no node could be reached"));
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

TEST(Findings, AreWrittenForPeopleAndPrograms) {
  const Findings findings{{"a", "well"}, {"b\x1b", "bad \"x\"", "it fails", "mend it"}};
  EXPECT_EQ(to_text(findings),
            "ok      a: well\nPROBLEM b\\u001b: bad \"x\"\n        effect: it fails\n        fix: mend it\n"
            "1 of 2 checks found a problem\n");
  EXPECT_THAT(to_json(findings), HasSubstr(R"("found":"bad \"x\"","good":false)"));
  EXPECT_THAT(to_text({findings.front()}), HasSubstr("all is well"));
  EXPECT_FALSE(all_good(findings));
}

}  // namespace
}  // namespace parley::doctor
