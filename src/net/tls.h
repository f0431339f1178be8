// TLS for sockets of the event loops, by OpenSSL.
#pragma once

#include <memory>
#include <string>

#include <openssl/types.h>

#include "base/error.h"

namespace parley::net {

/// PEM files.
struct TlsFiles {
  std::string certificate;  ///< the chain, ours first
  std::string key;
  std::string authority;  ///< who must have signed the peer's certificate; empty: peers need none
};

/// What all TLS connections of a listener share: TLS 1.2 or later. Any thread once it is made.
class TlsContext {
 public:
  /// For the accepting side. The error's detail is one line that names the file.
  [[nodiscard]] static Result<TlsContext> for_server(const TlsFiles& files);

  /// A connection's part of it.
  [[nodiscard]] SSL* make_session() const;

 private:
  struct Free {
    void operator()(SSL_CTX* context) const noexcept;
  };
  explicit TlsContext(SSL_CTX* context) : context_(context) {}

  std::unique_ptr<SSL_CTX, Free> context_;
};

}  // namespace parley::net
