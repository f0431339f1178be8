// Accepts connections and hands them to the loops in turn.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "base/error.h"
#include "base/log_limits.h"
#include "base/task.h"
#include "net/deadlines.h"
#include "net/endpoint.h"
#include "net/loop.h"

namespace parley::net {

using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>;

/// One listening address. Its acceptor lives on the pool's first loop; a connection then lives wholly on its own loop.
///
/// Where descriptors or memory run out, accepting pauses and is tried again; connections wait in the backlog meanwhile.
/// Its calls come from one thread that is none of the loops; the loops must run for as long as it lives.
class Listener {
 public:
  /// Called on the thread of `loop`, to which the socket belongs. The socket is non-blocking, with TCP_NODELAY.
  using OnAccept = std::function<void(Socket socket, Loop& loop)>;

  /// `name` is for the log.
  Listener(LoopPool& loops, std::string name);
  /// Closes at once; who waits in the backlog is refused.
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// Whether the address can be bound now; it is let go again. The error's detail is as listen()'s.
  [[nodiscard]] static Result<void> check(const Endpoint& endpoint);

  /// Binds and listens, so that connections queue up; nothing is accepted before start(). The error's detail is one
  /// line that names the address.
  [[nodiscard]] Result<void> listen(const Endpoint& endpoint);

  /// The address in use, with its real port. After listen().
  [[nodiscard]] const Endpoint& endpoint() const noexcept { return endpoint_; }

  /// Starts accepting. Once, after listen().
  void start(OnAccept on_accept);

  /// Accepts what has queued up, then stops listening. When it returns, `on_accept` has been called for each of them,
  /// and never is again.
  void close();

 private:
  using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, Executor>;
  enum class Round { kDrained, kMore, kExhausted };

  [[nodiscard]] static Result<void> bind(Acceptor& acceptor, boost::asio::io_context& io, const Endpoint& endpoint);
  void wait();
  void on_readable();
  /// Accepts up to `most` connections.
  [[nodiscard]] Round accept(std::size_t most);
  void hand_over(Socket socket, Loop& loop);
  void pause(const boost::system::error_code& why);
  void shut(bool serve_backlog);

  LoopPool& loops_;
  std::string name_;
  Endpoint endpoint_;
  OnAccept on_accept_;
  Acceptor acceptor_;
  DeadlineEntry retry_;
  std::size_t next_loop_ = 0;
  bool exhausted_ = false;
  StateLog log_;
};

}  // namespace parley::net
