// A channel's TLS: OpenSSL reads and writes its socket through the channel, so that both modes wait in the same way.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "net/channel.h"
#include "net/tls.h"

namespace parley::net {
namespace {

using boost::system::error_code;

/// What one record holds (RFC 8446, 5.1).
constexpr std::size_t kRecord = std::size_t{16} << 10;

struct FreeSession {
  void operator()(SSL* session) const noexcept { SSL_free(session); }
};

}  // namespace

struct Channel::Tls {
  [[nodiscard]] static BIO* make_bio(Channel& channel);
  static int read(BIO* bio, char* to, std::size_t size, std::size_t* count);
  static int write(BIO* bio, const char* from, std::size_t size, std::size_t* count);
  static long control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }

  /// What became of a call of OpenSSL that returned `result`.
  [[nodiscard]] error_code error_of(int result);

  std::unique_ptr<SSL, FreeSession> session;
  error_code socket_error;    // that OpenSSL has met
  const char* why = nullptr;  // TLS failed
  bool failed = false;        // so that nothing more can be said
  bool heard = false;         // something has come
  bool clear = false;         // it was HTTP
};

BIO* Channel::Tls::make_bio(Channel& channel) {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* const made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "channel");
    if (made == nullptr) throw std::bad_alloc();
    BIO_meth_set_read_ex(made, &Tls::read);
    BIO_meth_set_write_ex(made, &Tls::write);
    BIO_meth_set_ctrl(made, &Tls::control);
    return made;
  }();
  BIO* const bio = BIO_new(method);
  if (bio == nullptr) throw std::bad_alloc();
  BIO_set_data(bio, &channel);
  BIO_set_init(bio, 1);
  return bio;
}

int Channel::Tls::read(BIO* bio, char* to, std::size_t size, std::size_t* count) {
  auto& channel = *static_cast<Channel*>(BIO_get_data(bio));
  Tls& tls = *channel.tls_;
  BIO_clear_retry_flags(bio);
  error_code error;
  *count = channel.receive(to, size, error);
  if (would_block(error)) {
    BIO_set_retry_read(bio);
  } else if (error) {
    tls.socket_error = error;
  } else if (!std::exchange(tls.heard, true)) {
    tls.clear = *to >= 'A' && *to <= 'Z';  // the first letter of a method, or of HTTP/1.1; no record begins so
  }
  if (!error && !tls.clear) return 1;
  *count = 0;
  return 0;
}

int Channel::Tls::write(BIO* bio, const char* from, std::size_t size, std::size_t* count) {
  auto& channel = *static_cast<Channel*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  error_code error;
  *count = channel.transmit({from, size}, error);
  if (would_block(error)) {
    BIO_set_retry_write(bio);
  } else if (error) {
    channel.tls_->socket_error = error;
  }
  return error ? 0 : 1;
}

error_code Channel::Tls::error_of(int result) {
  const int reason = SSL_get_error(session.get(), result);
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  switch (reason) {
    case SSL_ERROR_NONE: return {};
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: return boost::asio::error::would_block;
    case SSL_ERROR_ZERO_RETURN: return boost::asio::error::eof;
    default: break;
  }
  failed = true;
  if (socket_error == boost::asio::error::eof && heard) return boost::asio::error::connection_reset;
  if (socket_error) return socket_error;
  why = ERR_reason_error_string(code);
  return {EPROTO, boost::system::generic_category()};
}

void Channel::FreeTls::operator()(Tls* tls) const noexcept { delete tls; }

void Channel::start_tls(const TlsContext& context) {
  tls_.reset(new Tls);
  tls_->session.reset(context.make_session(peer()));
  SSL* const session = tls_->session.get();
  BIO* const bio = Tls::make_bio(*this);
  SSL_set_bio(session, bio, bio);
  SSL_set_read_ahead(session, 1);  // so that a read takes what is there, and a short one says that it is all
}

bool Channel::fall_back_to_clear() {
  if (tls_ == nullptr || !tls_->clear) return false;
  tls_.reset();
  return true;
}

void Channel::handshake(error_code& error) {
  error = {};
  if (tls_ == nullptr) return;
  SSL* const session = tls_->session.get();
  const int result = SSL_do_handshake(session);
  if (result != 1) error = tls_->error_of(result);
  if (!error) may_read_ = true;  // OpenSSL may have read on, and from 3.2 on does not always say so
}

Wakeup::Waiting Channel::handshake_goes_on() {
  return SSL_want_write(tls_->session.get()) != 0 ? writable() : readable();
}

std::string Channel::tls_problem(const error_code& error) const {
  if (tls_ != nullptr && tls_->clear) return "it speaks HTTP in the clear";
  if (tls_ == nullptr || tls_->why == nullptr) return error.message();
  const long verdict = SSL_get_verify_result(tls_->session.get());
  if (verdict == X509_V_OK) return tls_->why;
  return fmt::format("the certificate cannot be trusted: {}", X509_verify_cert_error_string(verdict));
}

std::size_t Channel::decrypt(char* to, std::size_t size, error_code& error) {
  error = {};
  if (descriptor_ < 0) error = boost::asio::error::bad_descriptor;
  SSL* const session = tls_->session.get();
  std::size_t total = 0;
  // Record by record, for as long as some has come already.
  for (bool more = !error; more; more = !error && total < size && SSL_has_pending(session) != 0) {
    std::size_t count = 0;
    const int result = SSL_read_ex(session, to + total, size - total, &count);
    if (result != 1) error = tls_->error_of(result);
    total += count;
  }
  if (would_block(error)) may_read_ = false;  // also if it has to write first
  if (total == 0) return 0;
  if ((error && !would_block(error)) || SSL_has_pending(session) != 0) may_read_ = true;  // there is more to be told
  error = {};
  return total;
}

std::size_t Channel::encrypt(std::string_view first, std::string_view second, error_code& error) {
  error = {};
  if (descriptor_ < 0) {
    error = boost::asio::error::bad_descriptor;
    return 0;
  }
  std::array<char, kRecord> joined;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled as far as it is used
  std::string_view record = first.substr(0, kRecord);
  if (record.size() < kRecord && !second.empty()) {  // one record is cheaper than two
    second = second.substr(0, kRecord - record.size());
    std::memcpy(joined.data(), record.data(), record.size());
    std::memcpy(joined.data() + record.size(), second.data(), second.size());
    record = {joined.data(), record.size() + second.size()};
  }
  std::size_t written = 0;
  const int result = SSL_write_ex(tls_->session.get(), record.data(), record.size(), &written);
  if (result != 1) error = tls_->error_of(result);
  return written;
}

void Channel::say_goodbye() {
  SSL* const session = tls_->session.get();
  if (tls_->failed || SSL_is_init_finished(session) == 0) return;
  (void)SSL_shutdown(session);
  ERR_clear_error();
}

}  // namespace parley::net
