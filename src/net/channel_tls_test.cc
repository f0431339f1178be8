#include <array>
#include <memory>
#include <string>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "net/channel.h"
#include "net/channel_fixture.h"
#include "net/loop.h"
#include "net/tls.h"
#include "net/tls_fixture.h"

namespace parley::net {
namespace {

using boost::system::error_code;

/// Of both sides: the server's certificate, and a client that does not look at it.
struct Contexts {
  Contexts() : server(*TlsContext::for_server(certificates.make("server"))), client(SSL_CTX_new(TLS_client_method())) {}
  ~Contexts() { SSL_CTX_free(client); }
  Contexts(const Contexts&) = delete;
  Contexts& operator=(const Contexts&) = delete;

  Certificates certificates;
  TlsContext server;
  SSL_CTX* client;
};

/// A channel on the loop that serves TLS, and a client at its other end, which never waits.
struct Pair {
  explicit Pair(Loop& loop, int version = TLS1_3_VERSION) {
    static const Contexts contexts;
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
    channel = std::make_unique<Channel>(loop.channels(), ends[0], &contexts.server);
    peer = ends[1];
    client = SSL_new(contexts.client);
    SSL_set_fd(client, peer);
    SSL_set_connect_state(client);
    SSL_set_min_proto_version(client, version);
    SSL_set_max_proto_version(client, version);
  }
  ~Pair() {
    SSL_free(client);
    if (peer >= 0) ::close(peer);
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  Async<> shake_hands() const {
    error_code error;
    do {
      (void)SSL_do_handshake(client);
      channel->handshake(error);
      (void)SSL_do_handshake(client);
      if (would_block(error)) co_await channel->handshake_goes_on();
    } while (would_block(error));
    EXPECT_FALSE(error) << channel->tls_problem(error);
    EXPECT_EQ(SSL_do_handshake(client), 1);
  }

  void send(std::string_view text) const { EXPECT_EQ(SSL_write(client, text.data(), int(text.size())), text.size()); }
  std::string received(std::size_t most = 100) const {
    std::string out(most, '\0');
    std::size_t count = 0;
    (void)SSL_read_ex(client, out.data(), out.size(), &count);
    ERR_clear_error();
    out.resize(count);
    return out;
  }

  std::string read(std::size_t most = 100) const { return read_text(*channel, most); }
  Async<std::string> next(std::size_t most = 100) const { return next_text(*channel, most); }

  static std::string text_of(const error_code& error) { return error.message(); }

  std::unique_ptr<Channel> channel;
  SSL* client = nullptr;
  int peer = -1;
};

const std::string kNothing = error_code(boost::asio::error::would_block).message();
const std::string kEnd = error_code(boost::asio::error::eof).message();
const std::string kReset = error_code(boost::asio::error::connection_reset).message();

class TlsChannelTest : public testing::Test {
 protected:
  void run(Async<> (*test)(Loop&)) {
    boost::asio::co_spawn(loops_[0].executor(), test(loops_[0]), boost::asio::use_future).get();
  }

  LoopPool loops_{1};
};

Async<> talk(Loop& loop, int version) {
  const Pair pair(loop, version);
  co_await pair.shake_hands();
  for (const std::string text : {"one", "two", "three"}) {
    boost::asio::post(loop.executor(), [&pair, text] { pair.send(text); });
    const std::string got = co_await pair.next();
    EXPECT_EQ(got, text);
    EXPECT_EQ(pair.read(), kNothing);
    error_code error;
    EXPECT_EQ(pair.channel->write_some(text, " it was", error), text.size() + 7);
    EXPECT_EQ(pair.received(), text + " it was");  // in one record
  }
  boost::asio::post(loop.executor(), [&pair] { SSL_shutdown(pair.client); });
  const std::string end = co_await pair.next();
  EXPECT_EQ(end, kEnd);
  EXPECT_EQ(pair.read(), kEnd);
}

TEST_F(TlsChannelTest, TalksInTls12) {
  run([](Loop& loop) { return talk(loop, TLS1_2_VERSION); });
}

TEST_F(TlsChannelTest, TalksInTls13) {
  run([](Loop& loop) { return talk(loop, TLS1_3_VERSION); });
}

TEST_F(TlsChannelTest, GoesOnWhereAReadWasFull) {
  run([](Loop& loop) -> Async<> {
    const Pair pair(loop);
    co_await pair.shake_hands();
    pair.send("123456789");
    for (const char* part : {"123", "456", "789"}) {
      co_await pair.channel->readable();
      const std::string got = co_await pair.next(3);
      EXPECT_EQ(got, part);
    }
    EXPECT_EQ(pair.read(3), kNothing);
  });
}

TEST_F(TlsChannelTest, ReadsAllRecordsThatHaveComeAndThenTellsOfTheEnd) {
  run([](Loop& loop) -> Async<> {
    const Pair pair(loop);
    co_await pair.shake_hands();
    for (const char* part : {"one ", "two ", "three"}) pair.send(part);
    SSL_shutdown(pair.client);
    co_await pair.channel->readable();
    EXPECT_EQ(pair.read(), "one two three");
    co_await pair.channel->readable();  // no further event comes
    EXPECT_EQ(pair.read(), kEnd);
  });
}

TEST_F(TlsChannelTest, AnEndWithoutNoticeIsAReset) {
  run([](Loop& loop) -> Async<> {
    const Pair pair(loop);
    co_await pair.shake_hands();
    pair.send("last");
    ::shutdown(pair.peer, SHUT_WR);
    co_await pair.channel->readable();
    EXPECT_EQ(pair.read(), "last");
    co_await pair.channel->readable();
    EXPECT_EQ(pair.read(), kReset);
  });
}

TEST_F(TlsChannelTest, APeerThatIsGoneIsAnError) {
  run([](Loop& loop) -> Async<> {
    Pair pair(loop);
    co_await pair.shake_hands();
    ::close(std::exchange(pair.peer, -1));
    const std::string got = co_await pair.next();
    EXPECT_EQ(got, kReset);
    error_code error;
    (void)pair.channel->write_some("more", {}, error);
    EXPECT_TRUE(error && !would_block(error));
  });
}

TEST_F(TlsChannelTest, WritesMuchThroughASmallBuffer) {
  run([](Loop& loop) -> Async<> {
    const Pair pair(loop);
    co_await pair.shake_hands();
    std::string much;
    while (much.size() < (std::size_t{3} << 20)) much += std::to_string(much.size()) + ' ';
    const std::string head = "head ";
    std::string got;
    std::string_view first = head;
    std::string_view second = much;
    std::size_t waits = 0;
    while (!first.empty() || !second.empty()) {
      error_code error;
      const std::size_t count = pair.channel->write_some(first, second, error);
      const std::size_t of_first = std::min(count, first.size());
      first.remove_prefix(of_first);
      second.remove_prefix(count - of_first);
      if (!would_block(error)) continue;
      ++waits;
      boost::asio::post(loop.executor(), [&] {
        for (std::string part = pair.received(5000); !part.empty(); part = pair.received(5000)) got += part;
      });
      co_await pair.channel->writable();
    }
    EXPECT_GT(waits, 1);
    for (std::string part = pair.received(5000); !part.empty(); part = pair.received(5000)) got += part;
    EXPECT_TRUE(got == head + much) << got.size();
  });
}

TEST_F(TlsChannelTest, CloseTellsThePeer) {
  run([](Loop& loop) -> Async<> {
    const Pair pair(loop);
    co_await pair.shake_hands();
    pair.channel->close();
    EXPECT_EQ(pair.received(), "");
    EXPECT_EQ(SSL_get_shutdown(pair.client), SSL_RECEIVED_SHUTDOWN);
    co_await pair.channel->readable();
    EXPECT_EQ(pair.read(), error_code(boost::asio::error::bad_descriptor).message());
  });
}

TEST_F(TlsChannelTest, NewKeysAreTakenAndGiven) {
  run([](Loop& loop) -> Async<> {
    const Pair pair(loop);
    co_await pair.shake_hands();
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(SSL_key_update(pair.client, SSL_KEY_UPDATE_REQUESTED), 1);
      boost::asio::post(loop.executor(), [&pair] { pair.send("under new keys"); });
      const std::string got = co_await pair.next();
      EXPECT_EQ(got, "under new keys");
      error_code error;
      EXPECT_EQ(pair.channel->write_some("here too", {}, error), 8);
      EXPECT_EQ(pair.received(), "here too");
    }
  });
}

TEST_F(TlsChannelTest, RenegotiationIsRefused) {
  run([](Loop& loop) -> Async<> {
    const Pair pair(loop, TLS1_2_VERSION);
    co_await pair.shake_hands();
    EXPECT_EQ(SSL_renegotiate(pair.client), 1);
    (void)SSL_do_handshake(pair.client);
    co_await pair.channel->readable();
    (void)pair.read();
    EXPECT_LE(SSL_do_handshake(pair.client), 0);
    EXPECT_EQ(ERR_GET_REASON(ERR_peek_last_error()), SSL_R_NO_RENEGOTIATION);
    ERR_clear_error();
  });
}

TEST_F(TlsChannelTest, AClientThatSpeaksHttpIsAnsweredInTheClear) {
  run([](Loop& loop) -> Async<> {
    for (const std::string_view line : {"GET / HTTP/1.1\r\n", "OPTIONS * HTTP/1.1\r\n"}) {
      const Pair pair(loop);
      (void)::send(pair.peer, line.data(), line.size(), 0);
      error_code error;
      for (pair.channel->handshake(error); would_block(error); pair.channel->handshake(error)) {
        co_await pair.channel->handshake_goes_on();
      }
      EXPECT_TRUE(error);
      EXPECT_EQ(pair.channel->tls_problem(error), "it speaks HTTP in the clear");
      EXPECT_TRUE(pair.channel->fall_back_to_clear());
      EXPECT_EQ(pair.channel->write_some("HTTP/1.1 400", {}, error), 12);
      std::string got(100, '\0');
      EXPECT_EQ(::recv(pair.peer, got.data(), got.size(), 0), 12);  // and no alert before it
    }
  });
}

TEST_F(TlsChannelTest, AHandshakeThatFailsSaysWhy) {
  run([](Loop& loop) -> Async<> {
    for (const auto& [sent, why] : {std::pair<std::string_view, const char*>{"\x16\x03\x01 nonsense", ""},
                                    {"nonsense", "wrong version number"}}) {
      const Pair pair(loop);
      (void)::send(pair.peer, sent.data(), sent.size(), 0);
      ::shutdown(pair.peer, SHUT_WR);
      error_code error;
      for (pair.channel->handshake(error); would_block(error); pair.channel->handshake(error)) {
        co_await pair.channel->handshake_goes_on();
      }
      EXPECT_TRUE(error);
      EXPECT_NE(pair.channel->tls_problem(error).find(why), std::string::npos) << pair.channel->tls_problem(error);
      EXPECT_FALSE(pair.channel->fall_back_to_clear());
    }
  });
}

TEST_F(TlsChannelTest, AnInterruptionEndsAWaitInAHandshake) {
  run([](Loop& loop) -> Async<> {
    const Pair pair(loop);
    error_code error;
    pair.channel->handshake(error);
    EXPECT_TRUE(would_block(error));
    for (int i = 0; i < 3; ++i) {  // past what the kernel tells at the beginning
      boost::asio::post(loop.executor(), [&pair] { pair.channel->interrupt(); });
      co_await pair.channel->handshake_goes_on();
      pair.channel->handshake(error);
      EXPECT_TRUE(would_block(error));
    }
    pair.channel->close();
    pair.channel->handshake(error);
    EXPECT_EQ(error, boost::asio::error::bad_descriptor);
  });
}

}  // namespace
}  // namespace parley::net
