#include "net/loop.h"

#include <set>

#include <gtest/gtest.h>

namespace parley::net {
namespace {

TEST(LoopPool, EachLoopHasItsOwnThread) {
  LoopPool loops(3);
  std::set<std::thread::id> threads;
  for (std::size_t i = 0; i < loops.size(); ++i) {
    run_on(loops[i], [&, i] {
      EXPECT_EQ(&Loop::current(), &loops[i]);
      EXPECT_EQ(Loop::current().index(), i);
      threads.insert(std::this_thread::get_id());
    });
  }
  EXPECT_EQ(threads.size(), 3U);
}

TEST(LoopPool, ATurnOfItsClockEndsWhatExpiresByIt) {
  LoopPool loops(2);
  int expired = 0;
  DeadlineEntry hour([&] { ++expired; });
  DeadlineEntry day([&] { ++expired; });
  const Deadline start = loops.now();
  run_on(loops[1], [&] {
    loops[1].deadlines().arm(hour, start + std::chrono::hours(1));
    loops[1].deadlines().arm(day, start + std::chrono::hours(24));
  });
  loops.turn(std::chrono::minutes(59));
  EXPECT_EQ(expired, 0);
  loops.turn(std::chrono::minutes(2));
  EXPECT_EQ(expired, 1);
  EXPECT_GE(loops[0].now() - start, std::chrono::minutes(61));
  run_on(loops[1], [&] { day.disarm(); });
}

TEST(LoopPool, HasAtLeastOneLoop) {
  EXPECT_EQ(LoopPool(0).size(), 1U);
  EXPECT_GE(LoopPool::usable_processors(), 1U);
}

}  // namespace
}  // namespace parley::net
