// TLS for sockets of the event loops, by OpenSSL.
#pragma once

#include <chrono>
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
  std::string authority;  ///< who must have signed the peer's certificate; empty: clients need none, of servers the
                          ///< system's authorities
};

/// What TLS connections of one kind share: TLS 1.2 or later. Any thread once it is made.
class TlsContext {
 public:
  /// For the accepting side. `protocol` is what clients that name protocols (ALPN) must name; a literal, or empty if it
  /// does not matter. The error's detail is one line that names the file.
  [[nodiscard]] static Result<TlsContext> for_server(const TlsFiles& files, std::string_view protocol = {});

  /// For the connecting side, which shows the certificate if there is one. The server's must be from the authority and
  /// for one of `names` (RFC 6125); a server that is named by its address must have a certificate for that.
  [[nodiscard]] static Result<TlsContext> for_client(const TlsFiles& files, std::vector<std::string> names);

  /// Sessions that began in `before` go on in this one, unless the authorities differ or its keys are older than
  /// `age`. Before the first connection.
  void take_tickets_of(const TlsContext& before, std::chrono::steady_clock::duration age);

  [[nodiscard]] bool has_certificate() const noexcept;
  /// When the certificate expires, if it has one.
  [[nodiscard]] std::chrono::system_clock::time_point expiry() const;

  /// The part of it of a connection with the peer at `address`. The caller owns it.
  [[nodiscard]] SSL* make_session(const std::string& address) const;

 private:
  struct Free {
    void operator()(SSL_CTX* context) const noexcept;
  };
  explicit TlsContext(SSL_CTX* context);
  [[nodiscard]] Result<void> load(const TlsFiles& files);

  std::unique_ptr<SSL_CTX, Free> context_;
  std::chrono::steady_clock::time_point keys_made_ = std::chrono::steady_clock::now();  // those of tickets
  std::vector<std::string> names_;  // of servers; empty on the accepting side
};

}  // namespace parley::net
