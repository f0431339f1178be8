#include "net/listener.h"

#include <condition_variable>
#include <mutex>
#include <set>
#include <vector>

#include <boost/asio/write.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "base/log.h"

namespace parley::net {
namespace {

using boost::asio::ip::tcp;

/// What a listener's callback was called with.
class Accepted {
 public:
  void add(Socket socket, Loop& loop) {
    EXPECT_EQ(&loop, &Loop::current());
    const std::scoped_lock lock(mutex_);
    loops_.push_back(loop.index());
    sockets_.push_back(std::move(socket));
    changed_.notify_all();
  }
  [[nodiscard]] std::vector<std::size_t> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return loops_.size() >= count; });
    return loops_;
  }
  [[nodiscard]] std::size_t count() {
    const std::scoped_lock lock(mutex_);
    return loops_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::size_t> loops_;
  std::vector<Socket> sockets_;
};

/// Clients that connect, blocking.
class Clients {
 public:
  void connect(const Endpoint& to) {
    sockets_.emplace_back(io_).connect({boost::asio::ip::make_address(to.host), to.port});
  }

 private:
  boost::asio::io_context io_;
  std::vector<tcp::socket> sockets_;
};

TEST(Listener, HandsConnectionsToTheLoopsInTurn) {
  LoopPool loops(2);
  Accepted accepted;
  Clients clients;
  Listener listener(loops, "test");
  ASSERT_TRUE(listener.listen({"127.0.0.1", 0}));
  EXPECT_NE(listener.endpoint().port, 0);
  listener.start([&](Socket socket, Loop& loop) {
    tcp::no_delay no_delay;
    socket.get_option(no_delay);
    EXPECT_TRUE(no_delay.value());
    EXPECT_TRUE(socket.non_blocking());
    accepted.add(std::move(socket), loop);
  });
  for (int i = 0; i < 6; ++i) clients.connect(listener.endpoint());
  const auto on = accepted.wait_for(6);
  EXPECT_EQ(std::count(on.begin(), on.end(), 0), 3);
}

TEST(Listener, CloseServesTheBacklogFirst) {
  LoopPool loops(2);
  Accepted accepted;
  Clients clients;
  Listener listener(loops, "test");
  ASSERT_TRUE(listener.listen({"127.0.0.1", 0}));
  for (int i = 0; i < 100; ++i) clients.connect(listener.endpoint());
  listener.start([&](Socket socket, Loop& loop) { accepted.add(std::move(socket), loop); });
  listener.close();
  EXPECT_EQ(accepted.count(), 100U);
  EXPECT_THROW(clients.connect(listener.endpoint()), boost::system::system_error);
}

TEST(Listener, SaysInOneLineWhyItCannotListen) {
  LoopPool loops(1);
  Listener first(loops, "first");
  ASSERT_TRUE(first.listen({"127.0.0.1", 0}));
  Listener second(loops, "second");
  const auto taken = second.listen(first.endpoint());
  ASSERT_FALSE(taken);
  EXPECT_THAT(taken.error().detail, testing::StartsWith("cannot listen on " + first.endpoint().to_string() +
                                                        ": another program listens there. "));
  const auto foreign = second.listen({"192.0.2.1", 0});
  ASSERT_FALSE(foreign);
  EXPECT_NE(foreign.error().detail.find("192.0.2.1:0"), std::string::npos);
}

TEST(Listener, OutOfDescriptorsItPausesAndGoesOn) {
  LoopPool loops(1);
  Accepted accepted;
  Clients clients;
  Listener listener(loops, "test");
  ASSERT_TRUE(listener.listen({"127.0.0.1", 0}));
  for (int i = 0; i < 3; ++i) clients.connect(listener.endpoint());
  // UBSan looks at a type for the first time through a pipe, so the log must have been used while there still are some.
  log_info("about to run out of descriptors");
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = 3;  // descriptors that are open stay usable
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  listener.start([&](Socket socket, Loop& loop) { accepted.add(std::move(socket), loop); });
  // The loop has tried and failed when something posted behind it has run twice.
  for (int i = 0; i < 3; ++i) run_on(loops[0], [] {});
  EXPECT_EQ(accepted.count(), 0U);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(accepted.wait_for(3).size(), 3U);
}

}  // namespace
}  // namespace parley::net
