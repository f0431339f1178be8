// A Redis server that does what a test says: blocking, driven by the test's own thread.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <sys/socket.h>
#include <sys/time.h>

#include "net/endpoint.h"

namespace parley::redis {

/// One accepted connection. Gives up after a while, so that a test fails and does not hang.
class FakeConnection {
 public:
  using Socket = boost::asio::ip::tcp::socket;

  explicit FakeConnection(Socket socket) : socket_(std::move(socket)) {
    const timeval limit{20, 0};
    setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    socket_.set_option(boost::asio::ip::tcp::no_delay(true));
  }

  /// The words of the next command, with a space between them.
  std::string receive() {
    std::string words;
    for (std::size_t count = number('*'); count > 0; --count) {
      const std::size_t size = number('$');
      while (input_.size() < size + 2) fill(boost::asio::transfer_exactly(size + 2 - input_.size()));
      words += (words.empty() ? "" : " ") + input_.substr(0, size);
      input_.erase(0, size + 2);
    }
    return words;
  }
  /// Throws where another one comes.
  void expect(std::string_view command) {
    const std::string received = receive();
    if (received != command) throw std::logic_error("instead of " + std::string(command) + " came " + received);
  }

  /// `bytes` are a reply, or a part of one.
  void answer(std::string_view bytes) { boost::asio::write(socket_, boost::asio::buffer(bytes)); }

  /// Answers what a client asks of a master before it takes calls.
  FakeConnection&& ready() && {
    expect("PING");
    answer("+PONG\r\n");
    expect("ROLE");
    answer("*1\r\n$6\r\nmaster\r\n");
    expect("CLIENT SETNAME parley");
    answer("+OK\r\n");
    return std::move(*this);
  }

  /// Waits for the client's close; whatever still comes is dropped.
  bool closed() {
    char bytes[4096];
    boost::system::error_code error;
    while (!error) socket_.read_some(boost::asio::buffer(bytes), error);
    return error == boost::asio::error::eof || error == boost::asio::error::connection_reset;
  }
  void close() { socket_.close(); }
  void reset() {
    socket_.set_option(boost::asio::socket_base::linger(true, 0));
    socket_.close();
  }

 private:
  template <class Condition>
  void fill(Condition condition) {
    boost::asio::read(socket_, boost::asio::dynamic_buffer(input_), condition);
  }

  /// The number of a line that begins with `type`.
  std::size_t number(char type) {
    const std::size_t end = boost::asio::read_until(socket_, boost::asio::dynamic_buffer(input_), "\r\n");
    if (input_[0] != type) throw std::logic_error("no command");
    const std::size_t value = std::strtoul(input_.c_str() + 1, nullptr, 10);
    input_.erase(0, end);
    return value;
  }

  Socket socket_;
  std::string input_;
};

/// Listens on a port of its own.
class FakeRedis {
 public:
  FakeRedis()
      : acceptor_(io_, {boost::asio::ip::address_v4::loopback(), 0}), port_(acceptor_.local_endpoint().port()) {}

  [[nodiscard]] net::Endpoint endpoint() const { return {"127.0.0.1", port_}; }
  [[nodiscard]] std::string name() const { return endpoint().to_string(); }

  FakeConnection accept() {
    pollfd waiting{acceptor_.native_handle(), POLLIN, 0};
    if (::poll(&waiting, 1, 20'000) != 1) throw std::runtime_error("nobody connects");
    return FakeConnection(acceptor_.accept());
  }
  /// A connection that takes calls.
  FakeConnection accept_ready() { return accept().ready(); }

 private:
  boost::asio::io_context io_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::uint16_t port_;
};

}  // namespace parley::redis
