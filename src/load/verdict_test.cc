#include "load/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley::load {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

constexpr SendName kFirst{0, 0};
constexpr SendName kSecond{1, 0};

SendRecord acknowledged(std::int64_t time, int begun, int ended) {
  return {.told = Told::kAcknowledged,
          .send_time = time,
          .begun = Clock::time_point(begun * 1s),
          .ended = Clock::time_point(ended * 1s)};
}

class JudgeChat : public testing::Test {
 protected:
  [[nodiscard]] Verdict judge(std::vector<StoredMessage> stored, std::vector<FollowRecord> follows = {}) const {
    const std::vector<NamedSend> sends{{kFirst, &first}, {kSecond, &second}};
    return judge_chat(sends, follows, stored);
  }

  SendRecord first = acknowledged(10, 1, 2);
  SendRecord second = acknowledged(20, 3, 4);
};

TEST_F(JudgeChat, FindsNothingWhereAllIsThere) {
  const Verdict verdict = judge({{.time = 10, .owner = kFirst}, {.time = 15}, {.time = 20, .owner = kSecond}});
  EXPECT_EQ(verdict.acknowledged, 2U);
  EXPECT_EQ(verdict.chats, 1U);
  EXPECT_THAT(verdict.violations(), IsEmpty());
}

TEST_F(JudgeChat, FindsALostMessage) {
  EXPECT_THAT(judge({{.time = 20, .owner = kSecond}}).violations(), ElementsAre(Pair("acknowledged and lost", 1)));
}

TEST_F(JudgeChat, FindsADuplicate) {
  const Verdict verdict =
      judge({{.time = 10, .owner = kFirst}, {.time = 20, .owner = kSecond}, {.time = 21, .owner = kSecond}});
  EXPECT_EQ(verdict.twice, 1U);
  EXPECT_EQ(verdict.lost, 0U);
}

TEST_F(JudgeChat, FindsAnotherTextTimeOrChat) {
  EXPECT_EQ(judge({{.time = 10, .owner = kFirst, .intact = false}, {.time = 20, .owner = kSecond}}).altered, 1U);
  EXPECT_EQ(judge({{.time = 11, .owner = kFirst}, {.time = 20, .owner = kSecond}}).altered, 1U);
  EXPECT_EQ(
      judge({{.time = 10, .owner = kFirst}, {.time = 20, .owner = kSecond}, {.time = 30, .owner = SendName{7, 7}}})
          .altered,
      1U);
}

TEST_F(JudgeChat, FindsTimesThatDoNotRise) {
  EXPECT_EQ(judge({{.time = 20, .owner = kSecond}, {.time = 10, .owner = kFirst}}).disorder, 1U);
  EXPECT_EQ(judge({{.time = 10, .owner = kFirst}, {.time = 10}, {.time = 20, .owner = kSecond}}).disorder, 1U);
}

TEST_F(JudgeChat, FindsAnEarlierSendWithTheLaterTime) {
  first.send_time = 20;
  second.send_time = 10;
  const std::vector<StoredMessage> stored{{.time = 10, .owner = kSecond}, {.time = 20, .owner = kFirst}};
  EXPECT_EQ(judge(stored).overtaken, 1U);
  second.begun = first.ended - 1s;  // side by side, either may come first
  EXPECT_EQ(judge(stored).overtaken, 0U);
}

TEST_F(JudgeChat, FindsWhatWasRefusedAndIsThere) {
  first.told = Told::kRefused;
  EXPECT_EQ(judge({{.time = 10, .owner = kFirst}, {.time = 20, .owner = kSecond}}).refused, 1U);
  EXPECT_THAT(judge({{.time = 20, .owner = kSecond}}).violations(), IsEmpty());
}

TEST_F(JudgeChat, LetsAnUnknownOutcomeBeEither) {
  first.told = Told::kUnknown;
  first.send_time = 0;
  const Verdict there = judge({{.time = 10, .owner = kFirst}, {.time = 20, .owner = kSecond}});
  EXPECT_EQ(there.unknown_stored, 1U);
  EXPECT_THAT(there.violations(), IsEmpty());
  const Verdict gone = judge({{.time = 20, .owner = kSecond}});
  EXPECT_EQ(gone.unknown, 1U);
  EXPECT_EQ(gone.unknown_stored, 0U);
  EXPECT_THAT(gone.violations(), IsEmpty());
}

TEST_F(JudgeChat, CountsWhatWasToldAlsoWhereNothingCouldBeRead) {
  second.told = Told::kUnknown;
  const std::vector<NamedSend> sends{{kFirst, &first}, {kSecond, &second}};
  const Verdict verdict = unread_chat(sends);
  EXPECT_EQ(verdict.acknowledged, 1U);
  EXPECT_EQ(verdict.unverified, 1U);
  EXPECT_EQ(verdict.unknown, 1U);
  EXPECT_EQ(verdict.unread, 1U);
  EXPECT_THAT(verdict.violations(), IsEmpty());
}

TEST_F(JudgeChat, FindsWhatAFollowerMissedOrSawTwice) {
  const std::vector<StoredMessage> stored{{.time = 10, .owner = kFirst}, {.time = 20, .owner = kSecond}};
  EXPECT_EQ(judge(stored, {{.from = 5, .cursor = 21, .seen = 2}}).missed, 0U);
  EXPECT_EQ(judge(stored, {{.from = 5, .cursor = 20, .seen = 1}}).missed, 0U);
  EXPECT_EQ(judge(stored, {{.from = 5, .cursor = 21, .seen = 1}}).missed, 1U);
  EXPECT_EQ(judge(stored, {{.from = 15, .cursor = 21, .seen = 2}}).missed, 1U);
}

TEST(Texts, KnowTheirOwner) {
  const Texts texts(0xabc, 40);
  const SendName name{3, 70'000};
  EXPECT_EQ(texts.text(name).size(), 40U);
  EXPECT_EQ(texts.owner(texts.text(name)), name);
  EXPECT_EQ(Texts(0xabd, 40).owner(texts.text(name)), std::nullopt);
  EXPECT_EQ(texts.owner("00000abc-zz"), std::nullopt);
  EXPECT_EQ(texts.owner("00000abc-0zz-00000001xxxxxxxxx"), std::nullopt);
}

}  // namespace
}  // namespace parley::load
