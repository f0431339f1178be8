// One HTTP connection of the load generator: lean, since it shares the machine with what it measures.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/ip/tcp.hpp>

#include "base/task.h"
#include "load/answer.h"
#include "load/plan.h"
#include "net/channel.h"
#include "net/connector.h"
#include "net/loop.h"
#include "net/tls_source.h"

namespace parley::load {

/// How an exchange ended.
struct Exchange {
  enum class Outcome : std::uint8_t {
    kAnswered,
    kTimeout,
    kLost,          ///< the connection ended, or the answer could not be read: the request may have taken effect
    kNoConnection,  ///< nothing was sent
  };
  Outcome outcome = Outcome::kNoConnection;
  AnswerHead head{};
  std::string_view body{};  ///< this and what `head` points to: until the next exchange
};

/// One thread, one exchange at a time.
class Connection {
 public:
  /// `tls`: none is in the clear.
  Connection(net::Loop& loop, const boost::asio::ip::tcp::endpoint& server, const net::TlsSource* tls)
      : server_(server), tls_(tls), connector_(loop) {}

  /// Why the last open() failed.
  [[nodiscard]] const std::string& why() const noexcept { return why_; }

  /// Connects; false where that fails. exchange() does so too where it is needed.
  [[nodiscard]] Async<bool> open(Clock::time_point deadline);

  /// Sends `request`, which must live until then, and reads the answer.
  [[nodiscard]] Async<Exchange> exchange(std::string_view request, Clock::time_point deadline);

  /// Ends what is past its deadline. To be called every now and then: cheaper than a timer a request.
  void expire(Clock::time_point now);

 private:
  [[nodiscard]] Async<bool> write(std::string_view request);
  [[nodiscard]] Async<bool> read_more();
  [[nodiscard]] Async<Exchange> read_answer();
  [[nodiscard]] Exchange fail(Exchange::Outcome outcome);
  [[nodiscard]] bool closed_meanwhile();

  boost::asio::ip::tcp::endpoint server_;
  const net::TlsSource* tls_;
  net::Connector connector_;
  std::unique_ptr<net::Channel> channel_;
  std::string input_;       // the last answer, and room for more
  std::size_t filled_ = 0;  // bytes of it that were read
  Clock::time_point deadline_ = Clock::time_point::max();
  Clock::time_point last_used_{};
  bool expired_ = false;
  std::string why_;
};

}  // namespace parley::load
