// A connection, in the clear or in TLS, that is read and written when its socket is ready.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include <boost/system/error_code.hpp>
#include <openssl/types.h>

#include "net/listener.h"
#include "net/tls.h"

namespace parley::net {

/// On its socket's loop. Waiting is the socket's: async_wait() for what Need says, and would_block() says to wait on.
class Stream {
 public:
  enum class Need : std::uint8_t { kNothing, kRead, kWrite };

  /// The socket is non-blocking and connected. `tls`: none is in the clear.
  Stream(Socket socket, const TlsContext* tls);

  [[nodiscard]] Socket& socket() noexcept { return socket_; }

  /// Goes on with the handshake of the context's side: kNothing when it is over. An error ends the connection.
  [[nodiscard]] Need handshake(boost::system::error_code& error);

  // As a socket's: what can be done at once, or would_block. After the handshake. The end of the stream is eof.
  [[nodiscard]] std::size_t read_some(char* to, std::size_t size, boost::system::error_code& error);
  [[nodiscard]] std::size_t write_some(std::string_view bytes, boost::system::error_code& error);

  /// Tells the peer that nothing more will come.
  void finish_writing();

 private:
  struct Free {
    void operator()(SSL* session) const noexcept;
  };
  /// What became of a call that returned `result`.
  [[nodiscard]] boost::system::error_code error_of(int result);

  Socket socket_;
  std::unique_ptr<SSL, Free> tls_;
};

/// Whether an operation has only to be tried again when the socket is ready.
[[nodiscard]] bool would_block(const boost::system::error_code& error) noexcept;

}  // namespace parley::net
