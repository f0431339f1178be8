// Makes connections to servers, in time or not at all.
#pragma once

#include <chrono>
#include <memory>

#include <boost/asio/ip/tcp.hpp>

#include "base/task.h"
#include "net/channel.h"
#include "net/listener.h"
#include "net/loop.h"
#include "net/tls_source.h"

namespace parley::net {

/// One attempt at a time. On its loop's thread.
class Connector {
 public:
  explicit Connector(Loop& loop) : loop_(loop) {}

  /// Connects to `address` and shakes hands (`tls`: none is in the clear), all within `time`. The socket has
  /// TCP_NODELAY. kUnavailable with one line that says what failed and why.
  [[nodiscard]] Task<std::unique_ptr<Channel>> connect(boost::asio::ip::tcp::endpoint address, const TlsSource* tls,
                                                       std::chrono::milliseconds time);
  /// Ends the attempt that is under way, if one is.
  void cancel();
  /// What the system said about the last attempt that failed to connect.
  [[nodiscard]] const boost::system::error_code& refusal() const noexcept { return refusal_; }

 private:
  [[nodiscard]] static Async<boost::system::error_code> reach(Socket& socket,
                                                              const boost::asio::ip::tcp::endpoint& address);
  [[nodiscard]] static Async<boost::system::error_code> shake_hands(Channel& channel);

  Loop& loop_;
  // Of the attempt, one after the other.
  Socket* socket_ = nullptr;
  Channel* channel_ = nullptr;
  boost::system::error_code refusal_;
};

}  // namespace parley::net
