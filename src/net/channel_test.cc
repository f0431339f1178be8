#include "net/channel.h"

#include <array>
#include <future>
#include <memory>
#include <string>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "net/channel_fixture.h"
#include "net/loop.h"

namespace parley::net {
namespace {

using boost::system::error_code;

/// A channel on the loop, and the plain socket at its other end.
struct Pair {
  explicit Pair(Loop& loop) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
    descriptor = ends[0];
    channel = std::make_unique<Channel>(loop.channels(), descriptor);
    peer = ends[1];
  }
  ~Pair() { ::close(peer); }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  void send(std::string_view text) const { EXPECT_EQ(::send(peer, text.data(), text.size(), 0), ssize_t(text.size())); }
  void finish() const { EXPECT_EQ(::shutdown(peer, SHUT_WR), 0); }

  std::string read(std::size_t most = 100) const { return read_text(*channel, most); }
  Async<std::string> next(std::size_t most = 100) const { return next_text(*channel, most); }

  static const std::string kNothing;
  static const std::string kEnd;
  std::unique_ptr<Channel> channel;
  int descriptor = -1;  // the channel's
  int peer = -1;
};

const std::string Pair::kNothing = error_code(boost::asio::error::would_block).message();
const std::string Pair::kEnd = error_code(boost::asio::error::eof).message();

/// Runs a coroutine on a loop and waits for it.
class ChannelTest : public testing::Test {
 protected:
  void run(Async<> (*test)(Loop&)) { run_on(loops_[0], test(loops_[0])); }

  LoopPool loops_{1};
};

Async<> spawn_interrupt(Loop& loop, Channel& channel) {
  boost::asio::post(loop.executor(), [&channel] { channel.interrupt(); });
  co_return;
}

TEST_F(ChannelTest, TellsOfEachMessageAndOfTheEnd) {
  run([](Loop& loop) -> Async<> {
    const Pair pair(loop);
    for (const std::string text : {"one", "two", "three"}) {
      boost::asio::post(loop.executor(), [&pair, text] { pair.send(text); });
      const std::string got = co_await pair.next();
      EXPECT_EQ(got, text);
      EXPECT_EQ(pair.read(), Pair::kNothing);
    }
    boost::asio::post(loop.executor(), [&pair] { pair.finish(); });
    const std::string end = co_await pair.next();
    EXPECT_EQ(end, Pair::kEnd);
  });
}

/// Without this, a sanitizer tells of the use of what is gone.
TEST_F(ChannelTest, HearsNothingAfterItsEndThoughAnotherProcessHasItsSocket) {
  run([](Loop& loop) -> Async<> {
    Pair gone(loop);
    const Pair other(loop);
    const int of_another = ::dup(gone.descriptor);
    gone.channel.reset();
    gone.send("late");
    other.send("one");
    co_await other.channel->readable();  // both are told of at once
    EXPECT_EQ(other.read(), "one");
    ::close(of_another);
  });
}

TEST_F(ChannelTest, TellsOfAnEndThatCameWithTheLastBytes) {
  run([](Loop& loop) -> Async<> {
    const Pair pair(loop);
    pair.send("last");
    pair.finish();
    co_await pair.channel->readable();
    EXPECT_EQ(pair.read(), "last");
    co_await pair.channel->readable();  // no further event comes
    EXPECT_EQ(pair.read(), Pair::kEnd);
  });
}

TEST_F(ChannelTest, GoesOnWhereAReadWasFullButLetsOthersRun) {
  run([](Loop& loop) -> Async<> {
    const Pair pair(loop);
    pair.send("123456789");
    co_await pair.channel->readable();
    EXPECT_EQ(pair.read(3), "123");
    for (const char* rest : {"456", "789"}) {  // whether an event or a full read ended the wait before
      bool others = false;
      boost::asio::post(loop.executor(), [&others] { others = true; });
      co_await pair.channel->readable();
      EXPECT_TRUE(others);
      EXPECT_EQ(pair.read(3), rest);
    }
  });
}

TEST_F(ChannelTest, AnInterruptionOrACloseEndsAWait) {
  run([](Loop& loop) -> Async<> {
    const Pair pair(loop);
    while (true) {  // past what the kernel tells at the beginning
      co_await pair.channel->writable();
      bool later = false;
      boost::asio::post(loop.executor(), [&] { later = true; });
      co_await spawn_interrupt(loop, *pair.channel);
      co_await pair.channel->readable();
      if (later) break;
    }
    EXPECT_EQ(pair.read(), Pair::kNothing);
    boost::asio::post(loop.executor(), [&pair] { pair.channel->close(); });
    co_await pair.channel->readable();
    EXPECT_EQ(pair.read(), error_code(boost::asio::error::bad_descriptor).message());
    co_await pair.channel->readable();
  });
}

TEST_F(ChannelTest, WaitsForRoomToWrite) {
  run([](Loop& loop) -> Async<> {
    const Pair pair(loop);
    const std::string much(std::size_t{1} << 20, 'x');
    error_code error;
    while (!error) (void)pair.channel->write_some(much, much, error);
    EXPECT_EQ(error, boost::asio::error::would_block);
    boost::asio::post(loop.executor(), [&] {
      std::string sink(much.size(), '\0');
      while (::recv(pair.peer, sink.data(), sink.size(), 0) > 0) {
      }
    });
    while (error) {
      co_await pair.channel->writable();
      (void)pair.channel->write_some("more", {}, error);
    }
  });
}

Async<> count_when_writable(Channel& channel, int& ended) {
  std::array<char, 4096> bytes{};
  error_code error;
  while (!error) (void)channel.write_some({bytes.data(), bytes.size()}, {}, error);
  for (; would_block(error); (void)channel.write_some("x", {}, error)) co_await channel.writable();
  ++ended;
}

TEST_F(ChannelTest, OneReadsWhileAnotherWaitsToWrite) {
  run([](Loop& loop) -> Async<> {
    const Pair pair(loop);
    int written = 0;
    boost::asio::co_spawn(loop.executor(), count_when_writable(*pair.channel, written), boost::asio::detached);
    boost::asio::post(loop.executor(), [&pair] { pair.send("hi"); });
    std::string got = co_await pair.next();
    EXPECT_EQ(got, "hi");
    EXPECT_EQ(written, 0);
    boost::asio::post(loop.executor(), [&pair] {
      std::string sink(std::size_t{1} << 20, '\0');
      while (::recv(pair.peer, sink.data(), sink.size(), 0) > 0) {
      }
    });
    while (written == 0) co_await pair.channel->readable();  // which the event for the other ends too
    boost::asio::post(loop.executor(), [&pair] { pair.send("again"); });
    got = co_await pair.next();
    EXPECT_EQ(got, "again");
  });
}

TEST_F(ChannelTest, OneThatGoesAwayWhileEventsAreToldIsNotTold) {
  run([](Loop& loop) -> Async<> {
    std::array pairs{std::make_unique<Pair>(loop), std::make_unique<Pair>(loop)};
    for (const auto& pair : pairs) pair->send("hi");  // both events come in one turn
    co_await pairs[0]->channel->readable();
    pairs[1]->channel.reset();
    EXPECT_EQ(pairs[0]->read(), "hi");
    pairs[0]->send("again");
    const std::string again = co_await pairs[0]->next();
    EXPECT_EQ(again, "again");
  });
}

}  // namespace
}  // namespace parley::net
