// Sessions over real loopback sockets, spoken to in bytes.
#include "http/server/session.h"

#include <chrono>
#include <poll.h>
#include <string>
#include <string_view>
#include <thread>

#include <boost/asio/write.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>

#include "base/wakeup.h"
#include "http/server/server.h"

namespace parley::http {
namespace {

using boost::asio::ip::tcp;
using std::chrono::milliseconds;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

Async<Response> pong(const Request&) {
  Response response;
  response.content_type = "text/plain";
  response.body = "pong";
  co_return response;
}

Async<Response> echo(const Request& request) {
  Response response;
  response.content_type = "text/plain";
  response.body =
      std::string(request.method) + " " + std::string(request.query) + " [" + std::string(request.body) + "]";
  co_return response;
}

Async<Response> large(const Request&) {
  Response response;
  response.content_type = "text/plain";
  response.body.assign(std::size_t{32} << 20, 'x');
  co_return response;
}

Async<Response> medium(const Request&) {
  Response response;
  response.content_type = "text/plain";
  response.body.assign(32'000, 'x');
  co_return response;
}

Async<Response> throws(const Request&) {
  throw std::runtime_error("secret");
  co_return Response{};
}

/// A route that answers when the test says so.
class Gate {
 public:
  Async<Response> wait(const Request&) {
    entered_.set_value();
    co_await open_.wait();
    Response response;
    response.body = "at last";
    co_return response;
  }
  void wait_until_entered() { entered_.get_future().wait(); }
  void open(net::Loop& loop) {
    boost::asio::post(loop.executor(), [this] { open_.wake(); });
  }

 private:
  std::promise<void> entered_;
  Wakeup open_;
};

/// A blocking client that gives up after a while, so that a test fails and does not hang.
class Client {
 public:
  /// How much the kernel keeps that has not been read: little is less than one turn's answers.
  enum class Room : std::uint8_t { kUsual, kLittle };

  explicit Client(const net::Endpoint& to, Room room = Room::kUsual) : socket_(io_, tcp::v4()) {
    if (room == Room::kLittle) {
      const int bytes = 4096;
      const int segment = 536;  // the server's side keeps so many of them
      setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
      setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof(segment));
    }
    socket_.connect({boost::asio::ip::make_address(to.host), to.port});
  }
  void send(std::string_view bytes) { boost::asio::write(socket_, boost::asio::buffer(bytes)); }
  void finish_sending() { socket_.shutdown(tcp::socket::shutdown_send); }

  /// All that comes until the server closes, in good order.
  std::string read_all() {
    const boost::system::error_code error = read_to_end();
    EXPECT_EQ(error, boost::asio::error::eof) << error.message();
    return std::exchange(data_, {});
  }
  /// How much comes until the connection ends, in good order or else.
  std::size_t count_all() {
    (void)read_to_end();
    return data_.size();
  }
  /// One answer, by its Content-Length; the status line and fields come with it.
  std::string read_answer() {
    const std::size_t header = read_to("\r\n\r\n");
    const std::size_t at = data_.find("Content-Length: ");
    const std::size_t length = at < header ? std::stoul(data_.substr(at + 16)) : 0;
    while (data_.size() < header + length && read_some()) continue;
    std::string answer = data_.substr(0, header + length);
    data_.erase(0, header + length);
    return answer;
  }
  /// Whether the connection has ended, waiting for that.
  bool ended() {
    while (read_some()) continue;
    return true;
  }

 private:
  bool read_some() {
    boost::system::error_code error;
    return read_some(error);
  }
  bool read_some(boost::system::error_code& error) {
    // Asio knows no limit in blocking reads: it polls by itself where the socket's own has passed.
    pollfd socket{.fd = socket_.native_handle(), .events = POLLIN, .revents = 0};
    if (poll(&socket, 1, 20'000) == 0) error = boost::asio::error::timed_out;
    EXPECT_FALSE(error) << "nothing came for a long time";
    if (error) return false;
    const std::size_t n = socket_.read_some(boost::asio::buffer(piece_), error);
    data_.append(piece_.data(), n);
    return !error;
  }
  boost::system::error_code read_to_end() {
    boost::system::error_code error;
    while (read_some(error)) continue;
    return error;
  }
  std::size_t read_to(std::string_view end) {
    while (data_.find(end) == std::string::npos && read_some()) continue;
    const std::size_t at = data_.find(end);
    return at == std::string::npos ? data_.size() : at + end.size();
  }

  boost::asio::io_context io_;
  tcp::socket socket_;
  std::string piece_ = std::string(65'536, '\0');
  std::string data_;
};

class SessionTest : public testing::Test {
 protected:
  net::Endpoint start() {
    const net::Endpoint at = listen();
    server_->start();
    return at;
  }
  /// Clients can connect, and are served from server_->start() on.
  net::Endpoint listen() {
    Routes routes{{"/ping", {"GET"}, pong},
                  {"/echo", {"GET", "POST"}, echo},
                  {"/medium", {"GET"}, medium},
                  {"/large", {"GET"}, large},
                  {"/throws", {"GET"}, throws},
                  {"/gate", {"GET"}, [this](const Request& request) { return gate_.wait(request); }}};
    server_.emplace(loops_, net::Endpoint{"127.0.0.1", 0}, std::move(routes), options_, budget_, metrics_, "test");
    EXPECT_TRUE(server_->listen());
    return server_->endpoint();
  }
  /// Waits until the metrics have the line, or fails after a while.
  void await_metric(std::string_view line) const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (metrics_.text().find(line) == std::string::npos) {
      if (std::chrono::steady_clock::now() > end) FAIL() << line << " does not come";
      std::this_thread::sleep_for(milliseconds(1));
    }
  }
  /// What comes back for `bytes`, until the server closes.
  std::string all_for(std::string_view bytes) {
    Client client(start());
    client.send(bytes);
    return client.read_all();
  }

  HttpOptions options_;
  MemoryBudget budget_{std::size_t{1} << 20};
  MetricsRegistry metrics_;
  net::LoopPool loops_{1};
  Gate gate_;
  std::optional<HttpServer> server_;
};

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t n = 0;
  for (std::size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + what.size())) ++n;
  return n;
}

constexpr std::string_view kPing = "GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n";
constexpr std::string_view kMedium = "GET /medium HTTP/1.1\r\nHost: localhost\r\n\r\n";
constexpr std::string_view kLastPing = "GET /ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

TEST_F(SessionTest, AnswersWithEverythingThatIsPromised) {
  Client client(start());
  client.send("GET /ping HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: my-id\r\n\r\n");
  const std::string answer = client.read_answer();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\nDate: "));
  for (const char* line : {"Content-Type: text/plain", "Content-Length: 4", "Cache-Control: no-store", "Vary: Accept",
                           "X-Request-Id: my-id"}) {
    EXPECT_THAT(answer, HasSubstr("\r\n" + std::string(line) + "\r\n"));
  }
  EXPECT_THAT(answer, EndsWith("\r\n\r\npong"));
  EXPECT_THAT(answer, HasSubstr("\r\nConnection: keep-alive\r\nKeep-Alive: timeout=74\r\n"));
}

TEST_F(SessionTest, MakesARequestIdWhereThereIsNoneOrNoUsableOne) {
  Client client(start());
  std::string last;
  for (const std::string& id : {std::string(), std::string("a b"), std::string("\"a"), std::string(129, 'a')}) {
    client.send("GET /ping HTTP/1.1\r\nHost: localhost\r\n" + (id.empty() ? id : "X-Request-Id: " + id + "\r\n") +
                "\r\n");
    const std::string answer = client.read_answer();
    const std::string made = answer.substr(answer.find("X-Request-Id: ") + 14, 14);
    EXPECT_THAT(made, testing::MatchesRegex("[0-9a-f]{12}-[0-9a-f]"));
    EXPECT_NE(made, last);
    last = made;
  }
}

const std::string kMuch(30'000, 'x');  // yet an answer that is gathered

Response reply(const std::string& body) {
  Response response;
  response.content_type = "text/plain";
  response.body = body;
  return response;
}

/// Leaves hardly any room for what the connections that `server` accepts have not read.
void narrow(const net::Endpoint& server) {
  for (int descriptor = 0; descriptor < 1024; ++descriptor) {
    sockaddr_in at{};
    socklen_t size = sizeof(at);
    const bool is_socket = ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&at), &size) == 0;
    if (!is_socket || ntohs(at.sin_port) != server.port) continue;
    const int bytes = 1;  // the least that there is
    setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
  }
}

TEST_F(SessionTest, KeepsTheOrderOfAnswersThatWereGatheredBesideAnothersAndDidNotFit) {
  Wakeup others;
  Wakeup second;
  std::promise<void> entered;
  // Behind this turn of the loop, but before its answers are written, another connection and then this one again
  // have an answer.
  Routes routes{{"/first",
                 {"GET"},
                 [&](const Request&) -> Async<Response> {
                   boost::asio::post(loops_[0].executor(), [&] {
                     others.wake();
                     second.wake();
                   });
                   co_return reply(kMuch);
                 }},
                {"/others",
                 {"GET"},
                 [&](const Request&) -> Async<Response> {
                   entered.set_value();
                   co_await others.wait();
                   co_return reply("other");
                 }},
                {"/second", {"GET"}, [&](const Request&) -> Async<Response> {
                   co_await second.wait();
                   co_return reply("second");
                 }}};
  server_.emplace(loops_, net::Endpoint{"127.0.0.1", 0}, std::move(routes), options_, budget_, metrics_, "test");
  ASSERT_TRUE(server_->listen());
  narrow(server_->endpoint());
  server_->start();
  Client other(server_->endpoint());
  other.send("GET /others HTTP/1.1\r\nHost: localhost\r\n\r\n");
  entered.get_future().wait();
  Client client(server_->endpoint(), Client::Room::kLittle);
  client.send(
      "GET /first HTTP/1.1\r\nHost: localhost\r\n\r\n"
      "GET /second HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_THAT(other.read_answer(), EndsWith("\r\n\r\nother"));
  EXPECT_THAT(client.read_answer(), EndsWith("\r\n\r\n" + kMuch));
  EXPECT_THAT(client.read_answer(), EndsWith("\r\n\r\nsecond"));
}

TEST_F(SessionTest, CountsAnswersThatAreNotReadAsMemory) {
  Routes routes{{"/much", {"GET"}, [](const Request&) -> Async<Response> { co_return reply(kMuch); }}};
  server_.emplace(loops_, net::Endpoint{"127.0.0.1", 0}, std::move(routes), options_, budget_, metrics_, "test");
  ASSERT_TRUE(server_->listen());
  narrow(server_->endpoint());
  server_->start();
  Client client(server_->endpoint(), Client::Room::kLittle);
  constexpr std::size_t kAnswers = 4;
  std::string requests;
  for (std::size_t i = 0; i < kAnswers; ++i) requests += "GET /much HTTP/1.1\r\nHost: localhost\r\n\r\n";
  client.send(requests);
  const auto comes = [&](const auto& condition) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition() && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
    return condition();
  };
  EXPECT_TRUE(comes([&] { return budget_.used() > (kAnswers - 1) * kMuch.size(); }));
  for (std::size_t i = 0; i < kAnswers; ++i) EXPECT_THAT(client.read_answer(), EndsWith("\r\n\r\n" + kMuch));
  EXPECT_TRUE(comes([&] { return budget_.used() == 0; }));
}

TEST_F(SessionTest, AnswersPipelinedRequestsInOrder) {
  std::string requests;
  for (int i = 0; i < 100; ++i) {
    requests += "POST /echo?" + std::to_string(i) + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc";
  }
  const std::string answers = all_for(requests + std::string(kLastPing));
  EXPECT_EQ(count(answers, "HTTP/1.1 200 OK\r\n"), 101U);
  std::size_t at = 0;
  for (int i = 0; i < 100; ++i) at = answers.find("POST " + std::to_string(i) + " [abc]", at);
  EXPECT_NE(at, std::string::npos);
  EXPECT_THAT(answers, EndsWith("pong"));
}

TEST_F(SessionTest, ReadsBodiesHoweverTheyCome) {
  Client client(start());
  const std::string head = "GET /echo HTTP/1.1\r\nHost: localhost\r\n";
  for (const char c : head + "Content-Length: 5\r\n\r\nhello") client.send({&c, 1});
  EXPECT_THAT(client.read_answer(), EndsWith("GET  [hello]"));
  for (const char c : head + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\nT: v\r\n\r\n")
    client.send({&c, 1});
  EXPECT_THAT(client.read_answer(), EndsWith("GET  [abcde]"));
  const std::string body(300'000, 'b');
  client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 300000\r\n\r\n" + body);
  EXPECT_THAT(client.read_answer(), EndsWith("POST  [" + body + "]"));
  server_.reset();
  EXPECT_EQ(budget_.used(), 0U);
}

TEST_F(SessionTest, HeadIsGetWithoutItsBody) {
  Client client(start());
  client.send("HEAD /ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  const std::string answer = client.read_all();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\nContent-Length: 4\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

TEST_F(SessionTest, SpeaksHttp10) {
  const net::Endpoint at = start();
  Client once(at);
  once.send("GET /ping HTTP/1.0\r\n\r\n");
  EXPECT_THAT(once.read_all(), HasSubstr("\r\nConnection: close\r\n"));
  Client again(at);
  for (int i = 0; i < 2; ++i) {
    again.send("GET /ping HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_THAT(again.read_answer(), HasSubstr("\r\nConnection: keep-alive\r\n"));
  }
}

TEST_F(SessionTest, AnswersAHalfClosedClient) {
  Client client(start());
  client.send(kPing);
  client.finish_sending();
  EXPECT_THAT(client.read_all(), EndsWith("pong"));
}

TEST_F(SessionTest, SaysSoWhereARequestEndsEarly) {
  Client client(start());
  client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nabc");
  client.finish_sending();
  EXPECT_THAT(client.read_all(), StartsWith("HTTP/1.1 400 "));
}

TEST_F(SessionTest, AnswersExpectBeforeTheBody) {
  Client client(start());
  client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nExpect: 100-Continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(client.read_answer(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("abc");
  EXPECT_THAT(client.read_answer(), EndsWith("POST  [abc]"));
  // Not where the body is there already.
  client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc");
  EXPECT_THAT(client.read_answer(), StartsWith("HTTP/1.1 200 "));
  // Nor where nobody wants it.
  client.send("POST /nowhere HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  const std::string refused = client.read_all();
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(refused, HasSubstr("\r\nConnection: close\r\n"));
}

TEST_F(SessionTest, AmbiguousFramingIsAnsweredOnceAndTheRestIsNotRead) {
  const std::string answers = all_for(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" +
      std::string(kPing));
  EXPECT_EQ(count(answers, "HTTP/1.1 "), 1U);
  EXPECT_THAT(answers, StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(answers, HasSubstr("\r\nParley-Code: malformed_request\r\n"));
  EXPECT_THAT(answers, HasSubstr("\r\nConnection: close\r\n"));
}

TEST_F(SessionTest, WhatCameBeforeABadRequestIsAnswered) {
  const std::string answers = all_for(std::string(kPing) + "GET / HTTP/1.1\n\n");
  EXPECT_THAT(answers, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(answers, HasSubstr("HTTP/1.1 400 "));
  EXPECT_EQ(count(answers, "HTTP/1.1 "), 2U);
}

TEST_F(SessionTest, ATooLargeBodyIsRefusedSoThatTheClientCanReadIt) {
  Client client(start());
  client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n");
  client.send(std::string(1'000'000, 'x'));
  const std::string answer = client.read_answer();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 413 "));
  client.finish_sending();
  EXPECT_EQ(client.read_all(), "");
}

TEST_F(SessionTest, TooLargeAHeaderIs431) {
  options_.max_header = 500;
  EXPECT_THAT(all_for("GET /ping HTTP/1.1\r\nHost: localhost\r\nA: " + std::string(1000, 'a')),
              StartsWith("HTTP/1.1 431 "));
}

// What is sent before the server starts is there when it first looks, however slow the machine is.
TEST_F(SessionTest, AHeaderThatDribblesInIs408) {
  options_.header_timeout = milliseconds(100);
  Client client(listen());
  client.send("GET /ping HT");
  server_->start();
  EXPECT_THAT(client.read_all(), StartsWith("HTTP/1.1 408 "));
}

TEST_F(SessionTest, ABodyThatDribblesInIs408) {
  options_.body_timeout = milliseconds(100);
  Client client(start());
  client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nabc");
  EXPECT_THAT(client.read_all(), StartsWith("HTTP/1.1 408 "));
}

TEST_F(SessionTest, ASilentClientIsClosedWithoutAWord) {
  options_.header_timeout = milliseconds(100);
  EXPECT_EQ(Client(start()).read_all(), "");
}

TEST_F(SessionTest, AnIdleClientIsClosedWithoutAWord) {
  options_.idle_timeout = milliseconds(100);
  Client client(start());
  client.send(kPing);
  EXPECT_THAT(client.read_answer(), EndsWith("pong"));
  EXPECT_EQ(client.read_all(), "");
}

TEST_F(SessionTest, ALargeAnswerArrivesWhole) {
  Client client(start());
  client.send("GET /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  const std::string answer = client.read_all();
  EXPECT_EQ(answer.size() - answer.find("\r\n\r\n") - 4, std::size_t{32} << 20);
}

TEST_F(SessionTest, AClientThatDoesNotReadIsCut) {
  options_.write_timeout = milliseconds(50);
  Client client(start());
  client.send("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n");
  // Nothing is read until the server, which has begun to answer, has let go: then less than the whole answer is there.
  await_metric("parley_http_requests_total{listener=\"test\",route=\"/large\",status=\"200\"} 1");
  await_metric("parley_http_connections{listener=\"test\"} 0");
  EXPECT_LT(client.count_all(), std::size_t{32} << 20);
}

TEST_F(SessionTest, AClientThatDoesNotReadItsLastAnswersIsCut) {
  options_.write_timeout = milliseconds(50);
  Client client(start(), Client::Room::kLittle);
  // The last of them makes the outbox write at once, while the session is not waiting.
  std::string requests;
  for (int i = 0; i < 9; ++i) requests += kMedium;
  client.send(requests);
  await_metric("parley_http_requests_total{listener=\"test\",route=\"/medium\",status=\"200\"} 9");
  await_metric("parley_http_connections{listener=\"test\"} 0");
}

TEST_F(SessionTest, ASlowReaderThatHasSentAllGetsEveryAnswer) {
  Client client(start(), Client::Room::kLittle);
  constexpr std::size_t kCount = 100;
  for (std::size_t i = 0; i < kCount; ++i) client.send(kMedium);
  client.finish_sending();
  EXPECT_EQ(count(client.read_all(), "HTTP/1.1 200 OK\r\n"), kCount);
}

TEST_F(SessionTest, TooManyConnectionsAreTold) {
  options_.max_connections = 1;
  const net::Endpoint at = start();
  Client first(at);
  first.send(kPing);
  EXPECT_THAT(first.read_answer(), EndsWith("pong"));
  Client second(at);
  second.send(kPing);
  const std::string answer = second.read_answer();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(answer, HasSubstr("\r\nRetry-After: "));
  EXPECT_THAT(answer, HasSubstr("\r\nParley-Code: overloaded\r\n"));
  second.finish_sending();
  EXPECT_EQ(second.read_all(), "");
  first.send(kPing);
  EXPECT_THAT(first.read_answer(), EndsWith("pong"));
}

TEST_F(SessionTest, NoRoomForTheBodyIsOverloaded) {
  MemoryReservation all(budget_);
  ASSERT_TRUE(all.grow(budget_.limit()));
  const net::Endpoint at = start();
  for (const char* framing :
       {"Content-Length: 3\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"}) {
    Client client(at);
    client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\n" + std::string(framing));
    const std::string answer = client.read_answer();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
    EXPECT_THAT(answer, HasSubstr("\r\nRetry-After: "));
  }
}

TEST_F(SessionTest, PathsAndMethodsThatAreNotThere) {
  Client client(start());
  client.send("GET /pings HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(client.read_answer(), StartsWith("HTTP/1.1 404 "));
  client.send("PUT /ping HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx");
  const std::string not_allowed = client.read_answer();
  EXPECT_THAT(not_allowed, StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(not_allowed, HasSubstr("\r\nAllow: GET, HEAD, OPTIONS\r\n"));
  client.send("OPTIONS /ping HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const std::string options = client.read_answer();
  EXPECT_THAT(options, StartsWith("HTTP/1.1 204 "));
  EXPECT_THAT(options, HasSubstr("\r\nAllow: GET, HEAD, OPTIONS\r\n"));
  EXPECT_THAT(options, Not(HasSubstr("Content-Length")));
}

TEST_F(SessionTest, RedirectsAPathWithATrailingSlash) {
  Client client(start());
  const auto ask = [&client](std::string_view line, std::string_view more = "") {
    client.send(fmt::format("{} HTTP/1.1\r\nHost: localhost\r\n{}\r\n", line, more));
    return client.read_answer();
  };
  for (const char* method : {"GET", "HEAD"}) {
    const std::string answer = ask(fmt::format("{} /ping/?a=%20&b", method));
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 301 ")) << method;
    EXPECT_THAT(answer, HasSubstr("\r\nLocation: /ping?a=%20&b\r\n"));
    EXPECT_THAT(answer, HasSubstr("\r\nContent-Length: 0\r\n"));
  }
  const std::string post = ask("POST http://localhost/echo/", "Content-Length: 3\r\n\r\nabc");
  EXPECT_THAT(post, StartsWith("HTTP/1.1 307 "));
  EXPECT_THAT(post, HasSubstr("\r\nLocation: /echo\r\n"));
  EXPECT_THAT(ask("OPTIONS /echo/"), StartsWith("HTTP/1.1 204 "));
  EXPECT_THAT(ask("GET /ping//"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(ask("GET //ping/"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(ask("GET /ping/", "Origin: http://evil.example\r\n"), StartsWith("HTTP/1.1 403 "));
}

TEST_F(SessionTest, AnExceptionIsAnInternalErrorThatKeepsItsSecret) {
  Client client(start());
  client.send("GET /throws HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: req-1\r\n\r\n");
  const std::string answer = client.read_answer();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(answer, HasSubstr(R"("code":"internal")"));
  EXPECT_THAT(answer, HasSubstr(R"("request_id":"req-1")"));
  EXPECT_THAT(answer, Not(HasSubstr("secret")));
}

TEST_F(SessionTest, AForeignPageIsRefusedAndAnInvitedOneCanReadErrors) {
  options_.allow_origins = {"https://app.example"};
  const net::Endpoint at = start();
  Client client(at);
  client.send("GET /ping HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\n\r\n");
  const std::string refused = client.read_answer();
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(refused, Not(HasSubstr("Access-Control")));
  client.send("GET /ping HTTP/1.1\r\nHost: evil.example\r\n\r\n");
  EXPECT_THAT(client.read_answer(), StartsWith("HTTP/1.1 403 "));
  client.send(
      "OPTIONS /echo HTTP/1.1\r\nHost: localhost\r\nOrigin: https://app.example\r\n"
      "Access-Control-Request-Method: POST\r\n\r\n");
  const std::string preflight = client.read_answer();
  EXPECT_THAT(preflight, StartsWith("HTTP/1.1 204 "));
  EXPECT_THAT(preflight, HasSubstr("\r\nAccess-Control-Allow-Methods: GET, HEAD, OPTIONS, POST\r\n"));
  EXPECT_THAT(preflight, HasSubstr("\r\nAccess-Control-Allow-Origin: https://app.example\r\n"));
  client.send(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nOrigin: https://app.example\r\nContent-Length: 9999999\r\n\r\n");
  const std::string too_large = client.read_answer();
  EXPECT_THAT(too_large, StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(too_large, HasSubstr("\r\nAccess-Control-Allow-Origin: https://app.example\r\n"));
  EXPECT_THAT(too_large, HasSubstr("\r\nVary: Accept, Origin\r\n"));
}

TEST_F(SessionTest, DrainAnswersWhatIsInFlightAndClosesTheRest) {
  const net::Endpoint at = start();
  Client idle(at);
  idle.send(kPing);
  EXPECT_THAT(idle.read_answer(), EndsWith("pong"));
  Client busy(at);
  busy.send("GET /gate HTTP/1.1\r\nHost: localhost\r\n\r\n");
  gate_.wait_until_entered();
  std::thread drain([&] { server_->drain(std::chrono::steady_clock::now() + std::chrono::seconds(20)); });
  EXPECT_EQ(idle.read_all(), "");
  EXPECT_TRUE(server_->draining());
  EXPECT_THROW(Client{at}, boost::system::system_error);
  gate_.open(loops_[0]);
  const std::string answer = busy.read_answer();
  EXPECT_THAT(answer, EndsWith("at last"));
  EXPECT_THAT(answer, HasSubstr("\r\nConnection: close\r\n"));
  busy.finish_sending();
  EXPECT_EQ(busy.read_all(), "");
  drain.join();
}

TEST_F(SessionTest, DrainTellsEveryConnectionBeforeItCloses) {
  const net::Endpoint at = start();
  Client early(at);
  early.send(kPing);
  EXPECT_THAT(early.read_answer(), HasSubstr("\r\nConnection: keep-alive\r\n"));
  Client idle(at);
  idle.send(kPing);
  (void)idle.read_answer();
  server_->begin_drain();
  early.send(kPing);
  EXPECT_THAT(early.read_answer(), HasSubstr("\r\nConnection: close\r\n"));
  early.finish_sending();
  EXPECT_EQ(early.read_all(), "");
  Client newcomer(at);
  newcomer.send(kPing);
  EXPECT_THAT(newcomer.read_answer(), HasSubstr("\r\nConnection: close\r\n"));
  newcomer.finish_sending();
  std::thread drain([&] { server_->drain(std::chrono::steady_clock::now() + std::chrono::seconds(20)); });
  EXPECT_EQ(idle.read_all(), "");
  drain.join();
}

TEST_F(SessionTest, DrainServesAConnectionThatHasYetToAsk) {
  const net::Endpoint at = start();
  Client fresh(at);
  await_metric("parley_http_connections{listener=\"test\"} 1");
  fresh.send("GET /ping HT");
  std::thread drain([&] { server_->drain(std::chrono::steady_clock::now() + std::chrono::seconds(20)); });
  while (!server_->draining()) std::this_thread::yield();
  fresh.send("TP/1.1\r\nHost: localhost\r\n\r\n");
  const std::string answer = fresh.read_answer();
  EXPECT_THAT(answer, EndsWith("pong"));
  EXPECT_THAT(answer, HasSubstr("\r\nConnection: close\r\n"));
  fresh.finish_sending();
  drain.join();
}

TEST_F(SessionTest, DrainCutsWhatIsNotDoneByTheDeadline) {
  const net::Endpoint at = start();
  Client busy(at);
  busy.send("GET /gate HTTP/1.1\r\nHost: localhost\r\n\r\n");
  gate_.wait_until_entered();
  server_->drain(std::chrono::steady_clock::now());
  EXPECT_TRUE(busy.ended());
  gate_.open(loops_[0]);
  server_.reset();
}

TEST_F(SessionTest, CountsRequestsByRouteAndStatus) {
  Client client(start());
  client.send(kPing);
  (void)client.read_answer();
  client.send("GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n");
  (void)client.read_answer();
  const std::string text = metrics_.text();
  EXPECT_THAT(text, HasSubstr("parley_http_requests_total{listener=\"test\",route=\"/ping\",status=\"200\"} 1"));
  EXPECT_THAT(text, HasSubstr("parley_http_requests_total{listener=\"test\",route=\"other\",status=\"404\"} 1"));
  EXPECT_THAT(text, HasSubstr("parley_http_request_seconds_count{listener=\"test\",route=\"/ping\"} 1"));
  EXPECT_THAT(text, HasSubstr("parley_http_connections_accepted_total{listener=\"test\"} 1"));
}

}  // namespace
}  // namespace parley::http
