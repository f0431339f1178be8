#include "net/deadlines.h"

#include <memory>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

namespace parley::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

TEST(Deadlines, ExpireInOrderAndNeverEarly) {
  boost::asio::io_context io(1);
  SteadyClock clock;
  Deadlines deadlines(io, clock);
  const auto start = steady_clock::now();
  std::vector<int> order;
  DeadlineEntry late([&] {
    EXPECT_GE(steady_clock::now() - start, milliseconds(60));
    order.push_back(60);
  });
  DeadlineEntry early([&] {
    EXPECT_GE(steady_clock::now() - start, milliseconds(20));
    order.push_back(20);
  });
  deadlines.arm(late, start + milliseconds(60));
  deadlines.arm(early, start + milliseconds(20));
  io.run();
  EXPECT_EQ(order, (std::vector<int>{20, 60}));
}

TEST(Deadlines, APassedDeadlineExpiresOnTheNextTick) {
  boost::asio::io_context io(1);
  SteadyClock clock;
  Deadlines deadlines(io, clock);
  bool expired = false;
  DeadlineEntry entry([&] { expired = true; });
  deadlines.arm(entry, steady_clock::now() - milliseconds(500));
  EXPECT_FALSE(expired);
  io.run();
  EXPECT_TRUE(expired);
}

TEST(Deadlines, DisarmedOrDestroyedNeverExpires) {
  boost::asio::io_context io(1);
  SteadyClock clock;
  Deadlines deadlines(io, clock);
  int expired = 0;
  DeadlineEntry disarmed([&] { ++expired; });
  auto destroyed = std::make_unique<DeadlineEntry>([&] { ++expired; });
  deadlines.arm(disarmed, steady_clock::now() + milliseconds(10));
  deadlines.arm(*destroyed, steady_clock::now() + milliseconds(10));
  disarmed.disarm();
  destroyed.reset();
  io.run();
  EXPECT_EQ(expired, 0);
}

TEST(Deadlines, BeyondOneRoundOfTheWheelWaitsItsTime) {
  boost::asio::io_context io(1);
  SteadyClock clock;
  Deadlines deadlines(io, clock);
  const Deadline start = clock.now();
  bool expired = false;
  DeadlineEntry entry([&] { expired = true; });
  deadlines.arm(entry, start + milliseconds(5300));
  const auto turn = [&](milliseconds time) {
    clock.turn(time);
    deadlines.advance();
  };
  turn(milliseconds(300));  // the same slot, a round too early
  EXPECT_FALSE(expired);
  turn(milliseconds(5020));
  EXPECT_TRUE(expired);
}

TEST(Deadlines, ACallbackMayDestroyItsNeighbours) {
  boost::asio::io_context io(1);
  SteadyClock clock;
  Deadlines deadlines(io, clock);
  std::vector<std::unique_ptr<DeadlineEntry>> entries;
  int expired = 0;
  for (int i = 0; i < 3; ++i) {
    entries.push_back(std::make_unique<DeadlineEntry>([&] {
      ++expired;
      if (entries.size() > 1) entries.resize(1);
    }));
  }
  const auto when = steady_clock::now() + milliseconds(10);
  for (auto& entry : entries) deadlines.arm(*entry, when);
  io.run();
  EXPECT_EQ(expired, 1);
}

}  // namespace
}  // namespace parley::net
