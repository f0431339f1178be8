// TLS for sockets of the event loops, by OpenSSL.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/types.h>

#include "base/error.h"

namespace parley::net {

/// PEM files.
struct TlsFiles {
  std::string certificate;  ///< the chain, ours first
  std::string key;
  std::string authority;  ///< who must have signed the peer's certificate; empty: clients need none
};

/// What TLS connections of one kind share: TLS 1.2 or later. Any thread once it is made.
class TlsContext {
 public:
  /// For the accepting side. The error's detail is one line that names the file.
  [[nodiscard]] static Result<TlsContext> for_server(const TlsFiles& files);

  /// For the connecting side, which shows the certificate if there is one. The server's must be from the authority and
  /// for one of `names` (RFC 6125); a server that is named by its address must have a certificate for that.
  [[nodiscard]] static Result<TlsContext> for_client(const TlsFiles& files, std::vector<std::string> names);

  /// The part of it of a connection with the peer at `address`. The caller owns it.
  [[nodiscard]] SSL* make_session(const std::string& address) const;

 private:
  struct Free {
    void operator()(SSL_CTX* context) const noexcept;
  };
  explicit TlsContext(SSL_CTX* context);
  [[nodiscard]] Result<void> load(const TlsFiles& files);

  std::unique_ptr<SSL_CTX, Free> context_;
  std::vector<std::string> names_;  // of servers; empty on the accepting side
};

}  // namespace parley::net
