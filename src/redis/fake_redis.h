// A Redis server that does what a test says.
#pragma once

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>

#include "net/fake_peer.h"

namespace parley::redis {

class FakeConnection : public net::FakePeerConnection {
 public:
  using FakePeerConnection::FakePeerConnection;

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
  void answer(std::string_view bytes) { write(bytes); }

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

  std::string input_;
};

using FakeRedis = net::FakePeer<FakeConnection>;

}  // namespace parley::redis
