// What tests of channels share.
#pragma once

#include <cstddef>
#include <string>

#include <boost/asio/error.hpp>

#include "base/task.h"
#include "net/channel.h"

namespace parley::net {

/// What a read gives: the text, or the error's message.
inline std::string read_text(Channel& channel, std::size_t most = 100) {
  std::string out(most, '\0');
  boost::system::error_code error;
  out.resize(channel.read_some(out.data(), out.size(), error));
  return error ? error.message() : out;
}

/// The same, once there is more than nothing to read.
inline Async<std::string> next_text(Channel& channel, std::size_t most = 100) {
  std::string out = read_text(channel, most);
  while (out == boost::system::error_code(boost::asio::error::would_block).message()) {
    co_await channel.readable();
    out = read_text(channel, most);
  }
  co_return out;
}

}  // namespace parley::net
