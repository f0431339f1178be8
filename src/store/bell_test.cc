#include "store/bell.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "net/loop.h"

namespace parley::store {
namespace {

using Names = std::vector<std::string_view>;

class BellTest : public testing::Test {
 protected:
  Bell::ListeningPtr listen_to_chat(std::string_view chat, std::function<void()> heard, std::size_t loop = 0) {
    return net::run_on(loops_[loop], [&] { return bell_.listen_to_chat(chat, std::move(heard)); });
  }
  Bell::ListeningPtr listen_to_user(std::string_view user, std::function<void()> heard, std::size_t loop = 0) {
    return net::run_on(loops_[loop], [&] { return bell_.listen_to_user(user, std::move(heard)); });
  }
  void end(Bell::ListeningPtr& listening, std::size_t loop = 0) {
    net::run_on(loops_[loop], [&] { listening.reset(); });
  }
  /// Returns when what rang was heard. What a handler posts on its own loop, Asio queues when the handler has ended,
  /// which run_on() need not wait for: so there are two turns.
  void settle() {
    for (int turn = 0; turn < 2; ++turn) {
      for (std::size_t loop = 0; loop < loops_.size(); ++loop) net::run_on(loops_[loop], [] {});
    }
  }

  net::LoopPool loops_{3};
  Bell bell_{loops_};
};

TEST_F(BellTest, WhoListensHearsItsOwnNameOnItsOwnLoop) {
  std::array<std::atomic<int>, 4> heard{};
  std::atomic<bool> elsewhere{false};
  const auto count = [&](std::size_t at, std::size_t loop) {
    return [&heard, &elsewhere, at, loop] {
      ++heard[at];
      if (net::Loop::current().index() != loop) elsewhere = true;
    };
  };
  auto chat = listen_to_chat("a:b", count(0, 0));
  auto again = listen_to_chat("a:b", count(1, 2), 2);
  auto other = listen_to_chat("a:c", count(2, 1), 1);
  auto user = listen_to_user("a:b", count(3, 1), 1);
  bell_.ring(Names{"a:b", "x:y"}, {});
  settle();
  EXPECT_EQ(heard[0], 1);
  EXPECT_EQ(heard[1], 1);
  EXPECT_EQ(heard[2], 0);
  EXPECT_EQ(heard[3], 0);
  bell_.ring({}, Names{"a:b"});
  settle();
  EXPECT_EQ(heard[0], 1);
  EXPECT_EQ(heard[3], 1);
  EXPECT_FALSE(elsewhere);
  end(chat);
  end(again, 2);
  end(other, 1);
  end(user, 1);
}

TEST_F(BellTest, WithoutListenersNobodyIsWoken) {
  EXPECT_FALSE(bell_.anybody_listens());
  int heard = 0;
  auto chat = listen_to_chat("a:b", [&] { ++heard; });
  EXPECT_TRUE(bell_.anybody_listens());
  end(chat);
  EXPECT_FALSE(bell_.anybody_listens());
  bell_.ring(Names{"a:b"}, Names{"a"});
  settle();
  EXPECT_EQ(heard, 0);
}

TEST_F(BellTest, RingsThatNobodyHasHeardYetAreOne) {
  int heard = 0;
  auto chat = listen_to_chat("a:b", [&] { ++heard; });
  net::run_on(loops_[0], [&] {  // the loop is busy
    for (int i = 0; i < 100'000; ++i) bell_.ring(Names{"a:b"}, {});
  });
  settle();
  EXPECT_EQ(heard, 1);
  bell_.ring(Names{"a:b"}, {});
  settle();
  EXPECT_EQ(heard, 2);
  end(chat);
}

TEST_F(BellTest, ARingWakesALoopOnce) {
  // Between two calls of one ring nothing else runs on the loop.
  std::string order;
  auto first = listen_to_chat("a:b", [&] {
    order += '1';
    boost::asio::post(net::Loop::current().executor(), [&] { order += '.'; });
  });
  auto second = listen_to_chat("a:c", [&] { order += '2'; });
  auto third = listen_to_user("a", [&] { order += '3'; });
  bell_.ring(Names{"a:b", "a:c"}, Names{"a"});
  settle();
  settle();
  EXPECT_EQ(order, "123.");
  for (auto* listening : {&first, &second, &third}) end(*listening);
}

TEST_F(BellTest, WhoEndsWhileARingIsUnderWayHearsNothing) {
  int heard = 0;
  auto chat = listen_to_chat("a:b", [&] { ++heard; });
  net::run_on(loops_[0], [&] {
    bell_.ring(Names{"a:b"}, {});  // on its way to this loop
    chat.reset();
  });
  settle();
  EXPECT_EQ(heard, 0);
}

TEST_F(BellTest, WhoListensMayEndItselfAndOthersAndBeginNewOnes) {
  std::string order;
  Bell::ListeningPtr first;
  Bell::ListeningPtr second;
  Bell::ListeningPtr third;
  Bell::ListeningPtr begun;
  first = listen_to_chat("a:b", [&, mark = std::string(100, '1')] {
    first.reset();
    second.reset();
    begun = bell_.listen_to_chat("a:b", [&] { order += '4'; });
    order += mark[0];  // what it has captured is there until it returns
  });
  second = listen_to_chat("a:b", [&] { order += '2'; });
  third = listen_to_chat("a:b", [&] { order += '3'; });
  bell_.ring(Names{"a:b"}, {});
  settle();
  EXPECT_EQ(order, "13");
  bell_.ring(Names{"a:b"}, {});
  settle();
  EXPECT_EQ(order, "1334");
  end(third);
  bell_.ring(Names{"a:b"}, {});
  settle();
  EXPECT_EQ(order, "13344");
  end(begun);
  EXPECT_FALSE(bell_.anybody_listens());
}

TEST_F(BellTest, ItsListenersMayOutliveIt) {
  auto bell = std::make_unique<Bell>(loops_);
  int heard = 0;
  auto chat = net::run_on(loops_[0], [&] { return bell->listen_to_chat("a:b", [&] { ++heard; }); });
  net::run_on(loops_[0], [&] {
    bell->ring(Names{"a:b"}, {});
    bell.reset();
  });
  settle();
  EXPECT_LE(heard, 1);
  end(chat);
}

TEST_F(BellTest, WhoListensFirstAndLooksThenMissesNothing) {
  constexpr int kRounds = 2000;
  std::atomic<int> moved{0};
  std::atomic<int> seen{0};
  std::thread mover([&] {
    for (int i = 1; i <= kRounds; ++i) {
      moved = i;
      bell_.ring(Names{"a:b"}, {});
      while (seen < i) std::this_thread::yield();  // forever, if the ring was lost
    }
  });
  const auto look = [&] { seen = moved.load(); };
  while (seen < kRounds) {
    auto chat = listen_to_chat("a:b", look, 1);
    net::run_on(loops_[1], look);
    settle();
    end(chat, 1);
  }
  mover.join();
}

}  // namespace
}  // namespace parley::store
