#include "net/tls.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <fstream>
#include <iterator>
#include <new>
#include <utility>

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace parley::net {
namespace {

std::unexpected<Error> cannot_use(const std::string& file) {
  const char* const why = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return fail(ErrorCode::kUnavailable, fmt::format("cannot use {} for TLS: {}", file, why ? why : "unreadable"));
}

/// Of TLS 1.2: keys that are of no use later, and authenticated encryption. Those of TLS 1.3 are all so.
constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr const char* kGroups = "X25519:P-256:P-384";

std::array<unsigned char, SHA256_DIGEST_LENGTH> digest_of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  std::array<unsigned char, SHA256_DIGEST_LENGTH> out{};
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), out.data());
  return out;
}

/// Takes the only protocol that is spoken, or refuses the connection (RFC 7301, 3.2).
int choose_protocol(SSL* /*session*/, const unsigned char** out, unsigned char* size, const unsigned char* offered,
                    unsigned offered_size, void* spoken) {
  const auto* const ours = static_cast<const char*>(spoken);
  for (std::string_view left(reinterpret_cast<const char*>(offered), offered_size); !left.empty();) {
    const std::string_view one = left.substr(1, static_cast<unsigned char>(left.front()));
    if (one == ours) {
      *out = reinterpret_cast<const unsigned char*>(one.data());
      *size = static_cast<unsigned char>(one.size());
      return SSL_TLSEXT_ERR_OK;
    }
    left.remove_prefix(std::min(left.size(), one.size() + 1));
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace

void TlsContext::Free::operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }

TlsContext::TlsContext(SSL_CTX* context) : context_(context) {
  if (context == nullptr) throw std::bad_alloc();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  // A key that is encrypted cannot be used. By default the terminal would be asked for its password.
  SSL_CTX_set_default_passwd_cb(context, [](char* /*to*/, int /*size*/, int /*writing*/, void* /*data*/) { return 0; });
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
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

Result<TlsContext> TlsContext::for_server(const TlsFiles& files, std::string_view protocol) {
  TlsContext out(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* const context = out.context_.get();
  if (auto loaded = out.load(files); !loaded) return std::unexpected(std::move(loaded).error());
  SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_cipher_list(context, kCiphers);
  SSL_CTX_set1_groups_list(context, kGroups);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // the tickets are enough
  if (!files.authority.empty()) SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(files.authority.c_str()));
  // A session that began under other authorities is none of ours: it would go on without a look at the certificate.
  const auto name = digest_of(files.authority);
  SSL_CTX_set_session_id_context(context, name.data(), name.size());
  if (!protocol.empty()) {
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, const_cast<char*>(protocol.data()));
  }
  return out;
}

Result<TlsContext> TlsContext::for_client(const TlsFiles& files, std::vector<std::string> names) {
  TlsContext out(SSL_CTX_new(TLS_client_method()));
  if (files.authority.empty()) {
    SSL_CTX_set_default_verify_paths(out.context_.get());
    SSL_CTX_set_verify(out.context_.get(), SSL_VERIFY_PEER, nullptr);
  }
  if (auto loaded = out.load(files); !loaded) return std::unexpected(std::move(loaded).error());
  out.names_ = std::move(names);
  return out;
}

void TlsContext::take_tickets_of(const TlsContext& before, std::chrono::steady_clock::duration age) {
  if (std::chrono::steady_clock::now() - before.keys_made_ >= age) return;
  std::vector<unsigned char> keys(
      static_cast<std::size_t>(SSL_CTX_get_tlsext_ticket_keys(before.context_.get(), nullptr, 0)));
  SSL_CTX_get_tlsext_ticket_keys(before.context_.get(), keys.data(), keys.size());
  SSL_CTX_set_tlsext_ticket_keys(context_.get(), keys.data(), keys.size());
  OPENSSL_cleanse(keys.data(), keys.size());
  keys_made_ = before.keys_made_;
}

bool TlsContext::has_certificate() const noexcept { return SSL_CTX_get0_certificate(context_.get()) != nullptr; }

std::chrono::system_clock::time_point TlsContext::expiry() const {
  std::tm time{};
  ASN1_TIME_to_tm(X509_get0_notAfter(SSL_CTX_get0_certificate(context_.get())), &time);
  return std::chrono::system_clock::from_time_t(timegm(&time));
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
    return session;
  }
  for (const std::string& name : names_) SSL_add1_host(session, name.c_str());
  if (names_.size() == 1) SSL_set_tlsext_host_name(session, names_.front().c_str());
  return session;
}

}  // namespace parley::net
