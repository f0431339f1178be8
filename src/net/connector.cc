#include "net/connector.h"

#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <fmt/format.h>

namespace parley::net {
namespace {

using boost::system::error_code;

/// On a loopback address a connection attempt may meet itself, where the port it is given is the one it looks for.
bool met_itself(const Socket& socket) {
  error_code error;
  const auto local = socket.local_endpoint(error);
  return !error && local == socket.remote_endpoint(error);
}

std::unexpected<Error> unavailable(std::string_view failed, const error_code& error, const std::string& why) {
  const bool late = error == boost::asio::error::operation_aborted || error == boost::asio::error::bad_descriptor;
  return fail(ErrorCode::kUnavailable, fmt::format("{}: {}", failed, late ? "no answer in time" : why));
}

}  // namespace

Task<std::unique_ptr<Channel>> Connector::connect(boost::asio::ip::tcp::endpoint address, const TlsSource* tls,
                                                  std::chrono::milliseconds time) {
  Socket socket(loop_.executor());
  socket_ = &socket;
  DeadlineEntry timeout([this] { cancel(); });
  loop_.deadlines().arm(timeout, loop_.now() + time);
  refusal_ = {};
  const error_code unreachable = co_await reach(socket, address);
  socket_ = nullptr;
  if (unreachable) {
    refusal_ = unreachable;
    co_return unavailable("cannot connect", unreachable, unreachable.message());
  }
  const auto context = tls != nullptr ? tls->current() : nullptr;
  auto channel = std::make_unique<Channel>(loop_.channels(), socket.release(), context.get());
  channel_ = channel.get();
  const error_code unwilling = co_await shake_hands(*channel);
  channel_ = nullptr;
  if (unwilling) co_return unavailable("the TLS handshake failed", unwilling, channel->tls_problem(unwilling));
  co_return channel;
}

void Connector::cancel() {
  if (channel_ != nullptr) channel_->close();
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

Async<error_code> Connector::shake_hands(Channel& channel) {
  error_code error;
  for (channel.handshake(error); would_block(error); channel.handshake(error)) co_await channel.handshake_goes_on();
  co_return error;
}

}  // namespace parley::net
