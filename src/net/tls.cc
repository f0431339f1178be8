#include "net/tls.h"

#include <algorithm>
#include <new>
#include <utility>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace parley::net {
namespace {

std::unexpected<Error> cannot_use(const std::string& file) {
  const char* const why = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return fail(ErrorCode::kUnavailable, fmt::format("cannot use {} for TLS: {}", file, why ? why : "unreadable"));
}

}  // namespace

void TlsContext::Free::operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }

TlsContext::TlsContext(SSL_CTX* context) : context_(context) {
  if (context == nullptr) throw std::bad_alloc();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
  // What is not taken is tried again from wherever it then is; an idle connection keeps no buffers.
  SSL_CTX_set_mode(context,
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
}

Result<void> TlsContext::load(const TlsFiles& files) {
  SSL_CTX* const context = context_.get();
  if (!files.certificate.empty()) {
    if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1) {
      return cannot_use(files.certificate);
    }
    if (SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1) return cannot_use(files.key);
  }
  if (files.authority.empty()) return {};
  if (SSL_CTX_load_verify_locations(context, files.authority.c_str(), nullptr) != 1) return cannot_use(files.authority);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return {};
}

Result<TlsContext> TlsContext::for_server(const TlsFiles& files) {
  TlsContext out(SSL_CTX_new(TLS_server_method()));
  if (auto loaded = out.load(files); !loaded) return std::unexpected(std::move(loaded).error());
  // Sessions are resumed within this context only, and so with a certificate that it has checked.
  constexpr unsigned char kName[] = "parley";
  SSL_CTX_set_session_id_context(out.context_.get(), kName, sizeof(kName) - 1);
  return out;
}

Result<TlsContext> TlsContext::for_client(const TlsFiles& files, std::vector<std::string> names) {
  TlsContext out(SSL_CTX_new(TLS_client_method()));
  if (auto loaded = out.load(files); !loaded) return std::unexpected(std::move(loaded).error());
  out.names_ = std::move(names);
  return out;
}

SSL* TlsContext::make_session(const std::string& address) const {
  SSL* const session = SSL_new(context_.get());
  if (session == nullptr) throw std::bad_alloc();
  if (names_.empty()) {
    SSL_set_accept_state(session);
    return session;
  }
  SSL_set_connect_state(session);
  SSL_set_hostflags(session, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (std::ranges::find(names_, address) != names_.end()) {
    SSL_set1_host(session, address.c_str());
  } else {
    for (const std::string& name : names_) SSL_add1_host(session, name.c_str());
  }
  return session;
}

}  // namespace parley::net
