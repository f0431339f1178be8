#include "net/waiters.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

namespace parley::net {
namespace {

/// Waits twice, and writes down its name each time.
Async<> wait_twice(Loop& loop, Waiters& waiters, Deadline deadline, char name, std::string& woken) {
  co_await waiters.wait(loop, deadline);
  woken += name;
  co_await waiters.wait(loop, deadline);
  woken += name;
}

TEST(Waiters, WakesThoseWhoWaitOnceAndInOrder) {
  const SteadyClock clock;
  Loop loop(0, clock);
  Waiters waiters;
  std::string woken;
  for (const char name : {'a', 'b', 'c'}) {
    boost::asio::co_spawn(loop.executor(), wait_twice(loop, waiters, kNoDeadline, name, woken), boost::asio::detached);
  }
  loop.io().poll();
  EXPECT_EQ(waiters.size(), 3U);
  waiters.wake_all();
  EXPECT_EQ(woken, "abc");
  EXPECT_EQ(waiters.size(), 3U);
  waiters.wake_all();
  EXPECT_EQ(woken, "abcabc");
  EXPECT_EQ(waiters.size(), 0U);
}

TEST(Waiters, ADeadlineEndsTheWait) {
  const SteadyClock clock;
  Loop loop(0, clock);
  Waiters waiters;
  std::string woken;
  const Deadline passed = loop.now();
  boost::asio::co_spawn(loop.executor(), wait_twice(loop, waiters, passed, 'a', woken), boost::asio::detached);
  while (woken.size() < 2) loop.io().run_one();
  EXPECT_EQ(waiters.size(), 0U);
}

}  // namespace
}  // namespace parley::net
