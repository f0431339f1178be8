// A node that does what a test says: blocking, driven by the test's own thread.
#pragma once

#include <cstdint>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "net/endpoint.h"
#include "rpc/wire/big_endian.h"
#include "rpc/wire/messages.h"
#include "rpc/wire/ttheader.h"

namespace parley::rpc {

/// A call as the node read it.
struct ReceivedCall {
  std::int32_t id = 0;
  std::string timeout;  ///< TTHeader's, as it came
  MessageHead head;
  Request request;

  [[nodiscard]] const service::SendRequest& send() const { return std::get<service::SendRequest>(request); }
  [[nodiscard]] const service::PullRequest& pull() const { return std::get<service::PullRequest>(request); }
};

/// One accepted connection. Gives up after a while, so that a test fails and does not hang.
class FakeConnection {
 public:
  using Socket = boost::asio::ip::tcp::socket;

  explicit FakeConnection(Socket socket) : socket_(std::move(socket)) {
    const timeval limit{20, 0};
    setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    socket_.set_option(boost::asio::ip::tcp::no_delay(true));
  }

  /// The next call, whatever it is.
  ReceivedCall receive() {
    std::string frame(4, '\0');
    boost::asio::read(socket_, boost::asio::buffer(frame));
    frame.resize(4 + load_u32(frame));
    boost::asio::read(socket_, boost::asio::buffer(frame.data() + 4, frame.size() - 4));
    const auto header = decode_ttheader(frame).value();
    const auto payload = parse_payload(header.payload).value();
    auto call = decode_call(payload.message, payload.protocol).value();
    return {header.sequence_id, std::string(header.find(kRpcTimeoutKey).value_or("")), std::move(call.head),
            std::move(call.request.value())};
  }

  void answer(const ReceivedCall& call, std::string_view message, bool draining = false) {
    using Info = std::pair<std::string_view, std::string_view>;
    const std::vector<Info> infos = draining ? std::vector{Info{kReadyToResetKey, "1"}} : std::vector<Info>{};
    std::string frame;
    append_ttheader(frame, {.sequence_id = call.id, .strings = infos}, message);
    write(frame);
  }
  template <class Response>
  void answer(const ReceivedCall& call, const Result<Response>& response) {
    answer(call, encode_reply(call.head, response));
  }
  void stored(const ReceivedCall& call, std::int64_t send_time, bool duplicate = false) {
    answer(call, Result<service::SendResponse>(service::SendResponse{call.send().chat, send_time, duplicate}));
  }

  /// Answers the Ready that opens a connection.
  FakeConnection&& ready(const std::string& store_id = "store") && {
    const ReceivedCall call = receive();
    if (!std::holds_alternative<ReadyRequest>(call.request)) throw std::logic_error("not a Ready call");
    answer(call, Result<ReadyResponse>(ReadyResponse{store_id}));
    return std::move(*this);
  }

  /// A frame of its own that says that the node drains.
  void drain() {
    ReceivedCall none;
    answer(none, "", true);
  }

  void write(std::string_view bytes) { boost::asio::write(socket_, boost::asio::buffer(bytes)); }

  /// Whether something has come that receive() would take at once.
  bool pending() {
    pollfd waiting{socket_.native_handle(), POLLIN, 0};
    return ::poll(&waiting, 1, 0) == 1;
  }

  /// Waits for the client's close.
  bool closed() {
    char byte = 0;
    boost::system::error_code error;
    socket_.read_some(boost::asio::buffer(&byte, 1), error);
    return error == boost::asio::error::eof || error == boost::asio::error::connection_reset;
  }
  void close() { socket_.close(); }
  void reset() {
    socket_.set_option(boost::asio::socket_base::linger(true, 0));
    socket_.close();
  }

 private:
  Socket socket_;
};

/// Listens on a port of its own.
class FakeNode {
 public:
  FakeNode() : acceptor_(io_, {boost::asio::ip::address_v4::loopback(), 0}), port_(acceptor_.local_endpoint().port()) {}

  [[nodiscard]] net::Endpoint endpoint() const { return {"127.0.0.1", port_}; }
  [[nodiscard]] boost::asio::ip::tcp::endpoint address() const {
    return {boost::asio::ip::address_v4::loopback(), port_};
  }

  FakeConnection accept() {
    pollfd waiting{acceptor_.native_handle(), POLLIN, 0};
    if (::poll(&waiting, 1, 20'000) != 1) throw std::runtime_error("nobody connects");
    return FakeConnection(acceptor_.accept());
  }
  /// A connection whose Ready has been answered.
  FakeConnection accept_ready(const std::string& store_id = "store") { return accept().ready(store_id); }

  /// Refuses connections from here on, until reopen().
  void refuse() { acceptor_.close(); }
  void reopen() {
    const boost::asio::ip::tcp::endpoint endpoint(boost::asio::ip::address_v4::loopback(), port_);
    acceptor_.open(endpoint.protocol());
    acceptor_.set_option(boost::asio::socket_base::reuse_address(true));
    acceptor_.bind(endpoint);
    acceptor_.listen();
  }

 private:
  boost::asio::io_context io_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::uint16_t port_;
};

}  // namespace parley::rpc
