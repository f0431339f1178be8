#include "base/wakeup.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

namespace parley {
namespace {

Async<> count_after(Wakeup& wakeup, int& count) {
  co_await wakeup.wait();
  ++count;
}

TEST(Wakeup, ResumesItsWaiter) {
  boost::asio::io_context io(1);
  Wakeup wakeup;
  int count = 0;
  boost::asio::co_spawn(io.get_executor(), count_after(wakeup, count), boost::asio::detached);
  io.poll();
  EXPECT_EQ(count, 0);
  wakeup.wake();
  EXPECT_EQ(count, 1);
}

TEST(Wakeup, KeepsAWakeThatCameFirst) {
  boost::asio::io_context io(1);
  Wakeup wakeup;
  int count = 0;
  wakeup.wake();
  boost::asio::co_spawn(io.get_executor(), count_after(wakeup, count), boost::asio::detached);
  io.poll();
  EXPECT_EQ(count, 1);
}

}  // namespace
}  // namespace parley
