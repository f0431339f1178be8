#include "net/connector.h"

#include <optional>
#include <string>
#include <utility>

#include <boost/asio/redirect_error.hpp>

namespace parley::net {
namespace {

using boost::system::error_code;

/// On a loopback address a connection attempt may meet itself, where the port it is given is the one it looks for.
bool met_itself(const Socket& socket) {
  error_code error;
  const auto local = socket.local_endpoint(error);
  return !error && local == socket.remote_endpoint(error);
}

}  // namespace

Task<Stream> Connector::connect(boost::asio::ip::tcp::endpoint address, const TlsContext* tls,
                                std::chrono::milliseconds time) {
  Socket socket(loop_.executor());
  socket_ = &socket;
  DeadlineEntry timeout([this] { cancel(); });
  loop_.deadlines().arm(timeout, std::chrono::steady_clock::now() + time);
  error_code error = co_await reach(socket, address);
  std::optional<Stream> stream;
  std::string failed = "cannot connect: ";
  if (!error) {
    failed = "the TLS handshake failed: ";
    stream.emplace(std::move(socket), tls);
    socket_ = &stream->socket();
    error = co_await shake_hands(*stream);
  }
  socket_ = nullptr;
  if (!error) co_return *std::move(stream);
  const bool late = error == boost::asio::error::operation_aborted || error == boost::asio::error::bad_descriptor;
  co_return fail(ErrorCode::kUnavailable, failed + (late ? "no answer in time" : error.message()));
}

void Connector::cancel() {
  if (socket_ == nullptr) return;
  error_code ignored;
  socket_->close(ignored);
}

Async<error_code> Connector::reach(Socket& socket, const boost::asio::ip::tcp::endpoint& address) {
  error_code error;
  co_await socket.async_connect(address, boost::asio::redirect_error(kAwait, error));
  if (!error && met_itself(socket)) error = boost::asio::error::connection_refused;
  if (!error) socket.set_option(boost::asio::ip::tcp::no_delay(true), error);
  if (!error) socket.non_blocking(true, error);
  co_return error;
}

Async<error_code> Connector::shake_hands(Stream& stream) {
  using Need = Stream::Need;
  error_code error;
  for (Need need = stream.handshake(error); need != Need::kNothing && !error; need = stream.handshake(error)) {
    const auto ready = need == Need::kRead ? Socket::wait_read : Socket::wait_write;
    co_await stream.socket().async_wait(ready, boost::asio::redirect_error(kAwait, error));
    if (error) break;
  }
  co_return error;
}

}  // namespace parley::net
