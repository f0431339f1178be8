#include "net/tls.h"

#include <new>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

namespace parley::net {
namespace {

std::unexpected<Error> cannot_use(const std::string& file) {
  const char* const why = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return fail(ErrorCode::kUnavailable, fmt::format("cannot use {} for TLS: {}", file, why ? why : "unreadable"));
}

}  // namespace

void TlsContext::Free::operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }

Result<TlsContext> TlsContext::for_server(const TlsFiles& files) {
  TlsContext out(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* const context = out.context_.get();
  if (context == nullptr) throw std::bad_alloc();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
  // What is not taken is tried again from wherever it then is; an idle connection keeps no buffers.
  SSL_CTX_set_mode(context,
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1) return cannot_use(files.certificate);
  if (SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1) return cannot_use(files.key);
  if (files.authority.empty()) return out;
  if (SSL_CTX_load_verify_locations(context, files.authority.c_str(), nullptr) != 1) return cannot_use(files.authority);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  // Sessions are resumed within this context only, and so with a certificate that it has checked.
  constexpr unsigned char kName[] = "parley";
  SSL_CTX_set_session_id_context(context, kName, sizeof(kName) - 1);
  return out;
}

SSL* TlsContext::make_session() const {
  SSL* const session = SSL_new(context_.get());
  if (session == nullptr) throw std::bad_alloc();
  return session;
}

}  // namespace parley::net
