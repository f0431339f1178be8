#include "net/stream.h"

#include <cerrno>
#include <string>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>

namespace parley::net {

using boost::system::error_code;

Stream::Stream(Socket socket, const TlsContext* tls) : socket_(std::move(socket)) {
  if (tls == nullptr) return;
  error_code gone;
  const auto peer = socket_.remote_endpoint(gone);
  tls_.reset(tls->make_session(gone ? std::string() : peer.address().to_string()));
  SSL_set_fd(tls_.get(), socket_.native_handle());
}

void Stream::Free::operator()(SSL* session) const noexcept { SSL_free(session); }

error_code Stream::error_of(int result) {
  const int reason = SSL_get_error(tls_.get(), result);
  const int system = errno;
  ERR_clear_error();
  switch (reason) {
    case SSL_ERROR_NONE: return {};
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: return boost::asio::error::would_block;
    case SSL_ERROR_ZERO_RETURN: return boost::asio::error::eof;
    case SSL_ERROR_SYSCALL:
      if (system != 0) return {system, boost::system::system_category()};
      return boost::asio::error::eof;
    default: return {EPROTO, boost::system::generic_category()};
  }
}

Stream::Need Stream::handshake(error_code& error) {
  error = {};
  if (!tls_) return Need::kNothing;
  errno = 0;
  const int result = SSL_do_handshake(tls_.get());
  if (result == 1) return Need::kNothing;
  const bool writes = SSL_want_write(tls_.get()) != 0;
  error = error_of(result);
  if (!would_block(error)) return Need::kNothing;
  error = {};
  return writes ? Need::kWrite : Need::kRead;
}

std::size_t Stream::read_some(char* to, std::size_t size, error_code& error) {
  if (!tls_) return socket_.read_some(boost::asio::buffer(to, size), error);
  errno = 0;
  std::size_t read = 0;
  const int result = SSL_read_ex(tls_.get(), to, size, &read);
  error = result == 1 ? error_code() : error_of(result);
  return read;
}

std::size_t Stream::write_some(std::string_view bytes, error_code& error) {
  if (!tls_) return socket_.write_some(boost::asio::buffer(bytes), error);
  errno = 0;
  std::size_t written = 0;
  const int result = SSL_write_ex(tls_.get(), bytes.data(), bytes.size(), &written);
  error = result == 1 ? error_code() : error_of(result);
  return written;
}

void Stream::finish_writing() {
  if (tls_) {
    (void)SSL_shutdown(tls_.get());
    ERR_clear_error();
  }
  error_code ignored;
  socket_.shutdown(boost::asio::socket_base::shutdown_send, ignored);
}

bool would_block(const error_code& error) noexcept {
  return error == boost::asio::error::would_block || error == boost::asio::error::try_again;
}

}  // namespace parley::net
