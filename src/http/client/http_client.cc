#include "http/client/http_client.h"

#include <charconv>
#include <sstream>
#include <string_view>

#include <boost/asio/error.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>

#include "base/units.h"
#include "base/version.h"
#include "net/deadlines.h"
#include "net/resolve.h"

namespace parley::http {
namespace {

namespace asio = boost::asio;
namespace beast_http = boost::beast::http;
using boost::system::error_code;

// More than the largest page: 64 MiB of text, all of it escapes.
constexpr std::size_t kMaxAnswerBytes = std::size_t{512} << 20;

constexpr std::size_t kReadRoom = std::size_t{64} << 10;

std::chrono::seconds retry_after(std::string_view value) {
  unsigned seconds = 0;
  std::from_chars(value.data(), value.data() + value.size(), seconds);
  return std::chrono::seconds(seconds);
}

std::string_view field(const beast_http::response<beast_http::string_body>& answer, std::string_view name) {
  const auto found = answer.find(name);
  return found == answer.end() ? std::string_view() : std::string_view(found->value());
}

}  // namespace

Result<std::shared_ptr<net::TlsSource>> tls_of(const ServerUrl& url) {
  if (!url.tls) return nullptr;
  const net::TlsFiles files{.certificate = {}, .key = {}, .authority = url.authorities};
  return net::TlsSource::for_client("--ca", files, {{url.host, url.port}});
}

Async<HttpOutcome> HttpClient::call(HttpRequest request) {
  bool maybe_sent = false;
  for (;;) {
    const bool kept = channel_ != nullptr;
    std::expected<void, std::string> connected;
    if (!kept) connected = co_await connect();
    std::expected<HttpAnswer, std::string> answer = std::unexpected(connected ? std::string() : connected.error());
    if (connected) {
      maybe_sent = true;
      answer = co_await exchange(request);
      if (answer) co_return *std::move(answer);
    }
    channel_.reset();
    if (!kept) co_return std::unexpected(NoAnswer{fmt::format("{} {}", url_.shown(), answer.error()), maybe_sent});
  }
}

/// Completes "127.0.0.1:8080 (--url) …".
std::string HttpClient::reason(const error_code& error) const {
  if (error == asio::error::timed_out) return fmt::format("did not answer within {}", format_duration(timeout_));
  if (error == asio::error::connection_refused) {
    return fmt::format("refused the connection: start a server with parley serve, or write another address in {}",
                       url_.option);
  }
  if (error == beast_http::error::end_of_stream || error == beast_http::error::partial_message ||
      error == asio::error::eof || error == asio::error::connection_reset || error == asio::error::broken_pipe) {
    return "closed the connection without an answer";
  }
  if (error.category() == beast_http::make_error_code(beast_http::error::bad_version).category()) {
    return fmt::format("is no Parley server, since its answer is not HTTP ({}): correct {}", error.message(),
                       url_.option);
  }
  return fmt::format("cannot be reached: {}", error.message());
}

HttpClient::Try<void> HttpClient::connect() {
  if (tls_ == nullptr) {
    auto tls = tls_of(url_);
    if (!tls) co_return std::unexpected("cannot be reached: " + tls.error().detail);
    tls_ = *std::move(tls);
  }
  const net::Endpoint name{url_.host, url_.port};
  const auto addresses = co_await net::resolve_by_system(name);
  if (!addresses) co_return std::unexpected("cannot be reached: " + addresses.error().detail);
  std::string why = "cannot be reached: the name has no address";
  buffer_.clear();
  for (const auto& address : *addresses) {
    auto connected = co_await connector_.connect(address, tls_.get(), timeout_);
    if (connected) {
      channel_ = *std::move(connected);
      co_return std::expected<void, std::string>();
    }
    why = connector_.refusal() ? reason(connector_.refusal()) : "cannot be used: " + connected.error().detail;
  }
  co_return std::unexpected(std::move(why));
}

HttpClient::Try<HttpAnswer> HttpClient::exchange(const HttpRequest& request) {
  delivered_ = true;
  beast_http::request<beast_http::string_body> message;
  message.method_string(request.method);
  message.target(url_.base + request.target);
  message.version(11);
  message.set(beast_http::field::host, url_.authority);
  message.set(beast_http::field::user_agent, std::string("parley/") + kVersion);
  for (const auto& [name, value] : request.headers) message.set(name, value);
  message.body() = request.body;
  if (!request.body.empty()) message.prepare_payload();
  std::ostringstream bytes;
  bytes << message;

  bool late = false;
  net::DeadlineEntry timeout([this, &late] {
    late = true;
    channel_->interrupt();
  });
  loop_.deadlines().arm(timeout, loop_.now() + timeout_);
  error_code error = co_await write(bytes.view(), late);
  beast_http::response_parser<beast_http::string_body> parser;
  parser.body_limit(kMaxAnswerBytes);
  parser.eager(true);
  while (!error && !parser.is_done()) {
    error = co_await read(late);
    if (error == asio::error::eof && parser.got_some()) {
      parser.put_eof(error);
      if (!parser.is_done() && !error) error = asio::error::eof;
    } else if (!error) {
      buffer_.consume(parser.put(buffer_.data(), error));
      if (error == beast_http::error::need_more) error = {};
    }
  }
  if (error) co_return std::unexpected(reason(error));
  auto answer = parser.release();
  if (!answer.keep_alive()) channel_.reset();
  co_return HttpAnswer{.status = answer.result_int(),
                       .code = std::string(field(answer, "Parley-Code")),
                       .body = std::move(answer.body()),
                       .retry_after = retry_after(field(answer, "Retry-After")),
                       .server = url_.shown()};
}

Async<error_code> HttpClient::write(std::string_view bytes, const bool& late) {
  error_code error;
  while (!bytes.empty() && !error) {
    bytes.remove_prefix(channel_->write_some(bytes, {}, error));
    if (!net::would_block(error)) continue;
    if (late) co_return asio::error::timed_out;
    co_await channel_->writable();
    error = {};
  }
  co_return error;
}

Async<error_code> HttpClient::read(const bool& late) {
  error_code error;
  do {
    if (late) co_return asio::error::timed_out;
    co_await channel_->readable();
    const auto room = buffer_.prepare(kReadRoom);
    buffer_.commit(channel_->read_some(static_cast<char*>(room.data()), room.size(), error));
  } while (net::would_block(error));
  co_return error;
}

}  // namespace parley::http
