// A server that does what a test says: blocking, driven by the test's own thread.
#pragma once

#include <cstdint>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <sys/socket.h>
#include <sys/time.h>

#include "net/endpoint.h"

namespace parley::net {

/// One accepted connection. Gives up after a while, so that a test fails and does not hang.
class FakePeerConnection {
 public:
  explicit FakePeerConnection(boost::asio::ip::tcp::socket socket) : socket_(std::move(socket)) {
    const timeval limit{20, 0};
    setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    socket_.set_option(boost::asio::ip::tcp::no_delay(true));
  }

  void write(std::string_view bytes) { boost::asio::write(socket_, boost::asio::buffer(bytes)); }

  /// Whether something has come that could be read at once.
  bool pending() {
    pollfd waiting{socket_.native_handle(), POLLIN, 0};
    return ::poll(&waiting, 1, 0) == 1;
  }

  /// Waits for the client's close. Whatever still comes is dropped.
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

 protected:
  boost::asio::ip::tcp::socket socket_;
};

/// Listens on a port of its own. A `Connection` is made of each accepted socket.
template <class Connection>
class FakePeer {
 public:
  FakePeer() : acceptor_(io_, {boost::asio::ip::address_v4::loopback(), 0}), address_(acceptor_.local_endpoint()) {}

  [[nodiscard]] const boost::asio::ip::tcp::endpoint& address() const { return address_; }
  [[nodiscard]] Endpoint endpoint() const { return {"127.0.0.1", address_.port()}; }
  [[nodiscard]] std::string name() const { return endpoint().to_string(); }

  Connection accept() {
    pollfd waiting{acceptor_.native_handle(), POLLIN, 0};
    if (::poll(&waiting, 1, 20'000) != 1) throw std::runtime_error("nobody connects");
    return Connection(acceptor_.accept());
  }
  /// A connection that takes calls, since its `ready` has answered what a client asks first.
  template <class... Options>
  Connection accept_ready(const Options&... options) {
    return accept().ready(options...);
  }

  /// Refuses connections from here on, until reopen().
  void refuse() { acceptor_.close(); }
  void reopen() {
    acceptor_.open(address_.protocol());
    acceptor_.set_option(boost::asio::socket_base::reuse_address(true));
    acceptor_.bind(address_);
    acceptor_.listen();
  }

 private:
  boost::asio::io_context io_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::ip::tcp::endpoint address_;
};

}  // namespace parley::net
