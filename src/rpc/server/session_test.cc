// Sessions over real loopback sockets, spoken to in bytes.
#include "rpc/server/session.h"

#include <array>
#include <map>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include "rpc/server/server.h"
#include "rpc/wire/big_endian.h"
#include "rpc/wire/ttheader.h"

namespace parley::rpc {
namespace {

using boost::asio::ip::tcp;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using IntHeader = std::pair<std::uint16_t, std::string_view>;

/// Answers when the test says so: a send whose text is "slow", a pull of another chat than a:b.
class GatedService final : public service::MessageService {
 public:
  explicit GatedService(net::Loop& loop) : loop_(loop) {}

  Task<service::SendResponse> send(service::SendRequest request, service::CallContext context) override {
    ++begun_;
    context_ = std::move(context);
    if (request.text == "bug") throw std::runtime_error("secret");
    if (request.text == "slow") co_await gates_[request.sender].wait();
    co_return service::SendResponse{request.chat, 7, false};
  }
  Task<service::PullResponse> pull(service::PullRequest request, service::CallContext) override {
    ++begun_;
    if (request.chat != "a:b") co_await gates_[request.chat].wait();
    co_return service::PullResponse{"a:b", {{{"a", std::string(page_bytes_, 'x'), 7}}, false, 8}};
  }
  Health health() const override { return {}; }
  Task<service::ProtobufPtr> do_call(const service::CallRow&, service::ProtobufPtr, service::CallContext) override {
    co_return fail(ErrorCode::kNotSupported, "not here");
  }

  /// Lets the slow send of this sender go on, or the pull of this chat.
  void open(const std::string& gate) {
    const auto wake = [this, gate] { gates_[gate].wake(); };
    boost::asio::post(loop_.executor(), boost::asio::use_future(wake)).get();
  }
  int begun() const { return begun_; }
  void await_begun(int count) const {
    while (begun_ < count) std::this_thread::yield();
  }
  void set_page_bytes(std::size_t bytes) { page_bytes_ = bytes; }
  const service::CallContext& last_context() const { return context_; }

 private:
  net::Loop& loop_;
  std::atomic<int> begun_ = 0;
  std::map<std::string, Wakeup> gates_;
  service::CallContext context_;
  std::size_t page_bytes_ = 1;
};

/// A blocking client that gives up after a while, so that a test fails and does not hang.
class Client {
 public:
  explicit Client(const net::Endpoint& to) : socket_(io_) {
    socket_.connect({boost::asio::ip::make_address(to.host), to.port});
    const timeval limit{20, 0};
    setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  }
  void send(std::string_view bytes) { boost::asio::write(socket_, boost::asio::buffer(bytes)); }
  /// The next frame, with its length; empty where the server has closed.
  std::string frame() {
    std::string out(4, '\0');
    boost::system::error_code error;
    boost::asio::read(socket_, boost::asio::buffer(out), error);
    if (error) return {};
    out.resize(4 + load_u32(out));
    boost::asio::read(socket_, boost::asio::buffer(out.data() + 4, out.size() - 4), error);
    EXPECT_FALSE(error) << error.message();
    return out;
  }

 private:
  boost::asio::io_context io_;
  tcp::socket socket_;
};

/// A call in a TTHeader, of a multiplexed client.
std::string multiplexed(const Request& request, std::int32_t id, std::span<const IntHeader> ints = {}) {
  std::string out;
  append_ttheader(out, {.flags = kOutOfOrderFlag, .sequence_id = id, .ints = ints},
                  encode_call(request, id, Protocol::kBinary));
  return out;
}

std::string framed(const Request& request, std::int32_t id) {
  std::string out;
  append_answer(out, {.kind = WireForm::Kind::kFramed}, encode_call(request, id, Protocol::kBinary), false);
  return out;
}

service::SendRequest a_send(std::string text, std::string sender = "a") { return {"a:b", text, sender, ""}; }

std::int32_t id_of(std::string_view frame) { return decode_ttheader(frame)->sequence_id; }
bool says_reset(std::string_view frame) { return decode_ttheader(frame)->find(kReadyToResetKey) == "1"; }

/// The code of a send's answer in a TTHeader.
std::int32_t code_of(std::string_view frame) {
  const auto reply = decode_send_reply(decode_ttheader(frame)->payload, Protocol::kBinary);
  return reply ? reply->code : -1;
}

class SessionTest : public testing::Test {
 protected:
  ~SessionTest() override {
    for (const char* sender : {"a", "b", "c"}) service_.open(sender);
  }
  net::Endpoint start(std::size_t memory = std::size_t{64} << 20) {
    budget_.emplace(memory);
    server_.emplace(loops_, net::Endpoint{"127.0.0.1", 0},
                    CallHandler(
                        service_, calls_, [] { return "store"; }, [] { return "fsync"; }, leaving_),
                    options_, leaving_, *budget_, metrics_);
    EXPECT_TRUE(server_->listen());
    server_->start();
    return server_->endpoint();
  }

  net::LoopPool loops_{1};
  const service::CallTable calls_{service::program_calls()};
  GatedService service_{loops_[0]};
  std::atomic<bool> leaving_ = false;
  RpcOptions options_;
  MetricsRegistry metrics_;
  std::optional<MemoryBudget> budget_;
  std::optional<RpcServer> server_;
};

TEST_F(SessionTest, AnswersAsTheServiceDoes) {
  Client client(start());
  client.send(multiplexed(a_send("slow", "a"), 1) + multiplexed(a_send("slow", "b"), 2) + multiplexed(a_send("x"), 3));
  EXPECT_EQ(id_of(client.frame()), 3);
  service_.open("b");
  EXPECT_EQ(id_of(client.frame()), 2);
  service_.open("a");
  EXPECT_EQ(id_of(client.frame()), 1);
}

TEST_F(SessionTest, AnswersFramedCallsInOrder) {
  Client client(start());
  client.send(framed(a_send("slow"), 1) + framed(a_send("x"), 2));
  service_.await_begun(1);
  service_.open("a");
  for (const std::int32_t id : {1, 2}) {
    const std::string frame = client.frame();
    const auto reply = decode_send_reply(std::string_view(frame).substr(4), Protocol::kBinary);
    ASSERT_TRUE(reply);
    EXPECT_EQ(load_u32(std::string_view(frame).substr(16)), static_cast<std::uint32_t>(id));
  }
}

TEST_F(SessionTest, AnswersABugWithInternal) {
  Client client(start());
  client.send(multiplexed(a_send("bug"), 1));
  EXPECT_EQ(code_of(client.frame()), static_cast<std::int32_t>(ErrorCode::kInternal));
  client.send(multiplexed(a_send("x"), 2));
  EXPECT_EQ(code_of(client.frame()), 0);
}

TEST_F(SessionTest, TakesDeadlineAndRequestIdFromTheHeaders) {
  options_.request_timeout = milliseconds(60'000);
  Client client(start());
  const std::array<IntHeader, 2> ints{{{kRpcTimeoutKey, "100"}, {kLogIdKey, "an-id"}}};
  const auto before = steady_clock::now();
  client.send(multiplexed(a_send("x"), 1, ints));
  EXPECT_EQ(code_of(client.frame()), 0);
  EXPECT_EQ(service_.last_context().request_id, "an-id");
  EXPECT_GE(service_.last_context().deadline, before + milliseconds(100));
  EXPECT_LE(service_.last_context().deadline, steady_clock::now() + milliseconds(100));
}

TEST_F(SessionTest, ReadsNoFurtherThanItsLimitInFlight) {
  options_.max_in_flight = 2;
  Client client(start());
  std::string calls;
  for (const char* sender : {"a", "b", "c"}) calls += multiplexed(a_send("slow", sender), sender[0]);
  client.send(calls);
  service_.await_begun(2);
  Client other(server_->endpoint());
  other.send(multiplexed(a_send("x"), 1));  // comes after them all
  EXPECT_EQ(id_of(other.frame()), 1);
  EXPECT_EQ(service_.begun(), 3);
  service_.open("a");
  EXPECT_EQ(id_of(client.frame()), 'a');
  service_.await_begun(4);
}

TEST_F(SessionTest, RefusesWhatThereIsNoRoomFor) {
  Client client(start(std::size_t{64} << 10));
  service_.set_page_bytes(std::size_t{65} << 10);
  client.send(multiplexed(service::PullRequest{"a:b", 0, 0, false}, 1));
  const std::string frame = client.frame();
  const auto reply = decode_pull_reply(decode_ttheader(frame)->payload, Protocol::kBinary);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->code, static_cast<std::int32_t>(ErrorCode::kOverloaded));
  EXPECT_EQ(budget_->used(), 0U);
}

TEST_F(SessionTest, EndsWhereAnswersAreNotTaken) {
  options_.write_timeout = milliseconds(100);
  options_.max_in_flight = 4;
  service_.set_page_bytes(std::size_t{4} << 20);  // more than the sockets hold
  Client client(start());
  std::string calls;
  for (const char* chat : {"1", "2", "3", "4", "5"}) {
    calls += multiplexed(service::PullRequest{chat, 0, 0, false}, chat[0]);
  }
  client.send(calls);
  service_.await_begun(4);
  for (const char* chat : {"1", "2", "3", "4"}) service_.open(chat);  // each is written or waits behind one that is
  const auto is_gone = [this] {
    return metrics_.text().find("parley_rpc_connections 0\n") != std::string::npos && budget_->used() == 0;
  };
  const auto limit = steady_clock::now() + std::chrono::seconds(20);
  while (!is_gone() && steady_clock::now() < limit) std::this_thread::yield();
  EXPECT_TRUE(is_gone());
  EXPECT_EQ(service_.begun(), 4);
}

TEST_F(SessionTest, TellsClientsToLeaveBeforeTheDrain) {
  Client client(start());
  leaving_ = true;
  client.send(multiplexed(a_send("x"), 1));
  EXPECT_TRUE(says_reset(client.frame()));
}

TEST_F(SessionTest, TellsAMultiplexedClientToLeaveOnceNothingIsInFlight) {
  const net::Endpoint server = start();
  Client client(server);
  Client idle(server);
  client.send(multiplexed(a_send("slow"), 1));
  service_.await_begun(1);
  idle.send(framed(a_send("x"), 1));
  EXPECT_NE(idle.frame(), "");
  std::thread drain([this] { server_->drain(steady_clock::now() + std::chrono::seconds(20)); });
  EXPECT_EQ(idle.frame(), "");  // so the drain has begun
  service_.open("a");
  EXPECT_EQ(code_of(client.frame()), 0);
  const std::string warning = client.frame();
  EXPECT_EQ(id_of(warning), 0);
  EXPECT_TRUE(says_reset(warning));
  EXPECT_EQ(client.frame(), "");
  drain.join();
}

TEST_F(SessionTest, DrainsWhatIsInFlightForLong) {
  Client client(start());
  client.send(multiplexed(a_send("slow"), 1));
  service_.await_begun(1);
  std::thread drain([this] { server_->drain(steady_clock::now() + std::chrono::seconds(20)); });
  const std::string warning = client.frame();
  EXPECT_EQ(id_of(warning), 0);
  EXPECT_TRUE(says_reset(warning));
  service_.open("a");
  EXPECT_EQ(code_of(client.frame()), 0);
  EXPECT_EQ(client.frame(), "");
  drain.join();
}

TEST_F(SessionTest, CutsWhatIsInFlightAtTheDrainsEnd) {
  Client client(start());
  client.send(framed(a_send("slow"), 1));
  service_.await_begun(1);
  server_->drain(steady_clock::now());
  EXPECT_EQ(client.frame(), "");
}

}  // namespace
}  // namespace parley::rpc
