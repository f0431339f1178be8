#include "base/log_limits.h"

#include <string>

#include <gtest/gtest.h>

namespace parley {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class StateLogTest : public testing::Test {
 protected:
  Deadline now_ = std::chrono::steady_clock::now();
};

TEST_F(StateLogTest, AStateIsLoggedWhenItChangesAndOnceAMinuteWhileItLasts) {
  StateLog log("up");
  int lines = 0;
  for (int i = 0; i < 4 * 150; ++i) {  // four looks a second, for two and a half minutes
    lines += log.may_log("down", now_) ? 1 : 0;
    now_ += milliseconds(250);
  }
  EXPECT_EQ(lines, 3);
  EXPECT_TRUE(log.may_log_change("up", now_));
  EXPECT_FALSE(log.may_log_change("up", now_ + seconds(100)));
  EXPECT_TRUE(log.may_log("down", now_ + seconds(100)));
}

TEST_F(StateLogTest, TheFirstStateNeedsNoLine) {
  StateLog log("up");
  EXPECT_FALSE(log.may_log_change("up", now_));
  StateLog unknown;
  EXPECT_TRUE(unknown.may_log_change("up", now_));
}

TEST_F(StateLogTest, AStateThatComesAndGoesIsLoggedTenTimesAMinute) {
  StateLog log("up");
  int lines = 0;
  for (int i = 0; i < 600; ++i) {
    lines += log.may_log(i % 2 == 0 ? "down" : "up", now_) ? 1 : 0;
    now_ += milliseconds(100);
  }
  EXPECT_EQ(lines, StateLog::kChangesAMinute);
  now_ += seconds(1);
  EXPECT_TRUE(log.may_log("down", now_)) << "the last state is told in the end";
}

TEST_F(StateLogTest, ReasonsThatChangeWithEachLookAreLoggedTenTimesAMinute) {
  StateLog log;
  int lines = 0;
  for (int i = 0; i < 500; ++i) {
    lines += log.may_log("down: " + std::to_string(i), now_) ? 1 : 0;
    now_ += milliseconds(100);
  }
  EXPECT_EQ(lines, StateLog::kChangesAMinute);
}

TEST(LogBudget, LetsTenLinesThroughInAMinute) {
  LogBudget budget;
  Deadline now = std::chrono::steady_clock::now();
  int lines = 0;
  for (int i = 0; i < 1199; ++i) {  // ten a second for just under two minutes
    lines += budget.may_log(now) ? 1 : 0;
    now += milliseconds(100);
  }
  EXPECT_EQ(lines, 2 * LogBudget::kLinesAMinute);
}

}  // namespace
}  // namespace parley
