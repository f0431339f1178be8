#include "http/client/http_client.h"

#include <charconv>
#include <string_view>

#include <boost/asio/ip/basic_resolver.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>

#include "base/units.h"
#include "base/version.h"

namespace parley::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace beast_http = boost::beast::http;

// More than the largest page: 64 MiB of text, all of it escapes.
constexpr std::size_t kMaxAnswerBytes = std::size_t{512} << 20;

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

Async<HttpOutcome> HttpClient::call(HttpRequest request) {
  bool maybe_sent = false;
  for (;;) {
    const bool kept = stream_.has_value();
    std::string why;
    try {
      if (!kept) co_await connect();
      maybe_sent = true;
      HttpAnswer answer = co_await exchange(request);
      co_return answer;
    } catch (const boost::system::system_error& error) {
      why = reason(error.code());
    }
    stream_.reset();
    if (!kept) co_return std::unexpected(NoAnswer{fmt::format("{} {}", url_.shown(), why), maybe_sent});
  }
}

/// Completes "127.0.0.1:8080 (--url) …".
std::string HttpClient::reason(const boost::system::error_code& error) const {
  if (error == beast::error::timeout) return fmt::format("did not answer within {}", format_duration(timeout_));
  if (error == asio::error::connection_refused) {
    return fmt::format("refused the connection: start a server with parley serve, or write another address in {}",
                       url_.option);
  }
  if (error == beast_http::error::end_of_stream || error == asio::error::eof ||
      error == asio::error::connection_reset) {
    return "closed the connection without an answer";
  }
  if (error.category() == beast_http::make_error_code(beast_http::error::bad_version).category()) {
    return fmt::format("is no Parley server, since its answer is not HTTP ({}): correct {}", error.message(),
                       url_.option);
  }
  return fmt::format("cannot be reached: {}", error.message());
}

Async<> HttpClient::connect() {
  asio::ip::basic_resolver<asio::ip::tcp, Executor> resolver(executor_);
  const auto addresses = co_await resolver.async_resolve(url_.host, url_.port, kAwait);
  buffer_.clear();
  stream_.emplace(executor_);
  stream_->expires_after(timeout_);
  co_await stream_->async_connect(addresses, kAwait);
}

Async<HttpAnswer> HttpClient::exchange(const HttpRequest& request) {
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

  stream_->expires_after(timeout_);
  co_await beast_http::async_write(*stream_, message, kAwait);
  beast_http::response_parser<beast_http::string_body> parser;
  parser.body_limit(kMaxAnswerBytes);
  co_await beast_http::async_read(*stream_, buffer_, parser, kAwait);
  stream_->expires_never();
  auto answer = parser.release();
  if (!answer.keep_alive()) stream_.reset();
  co_return HttpAnswer{.status = answer.result_int(),
                       .code = std::string(field(answer, "Parley-Code")),
                       .body = std::move(answer.body()),
                       .retry_after = retry_after(field(answer, "Retry-After")),
                       .server = url_.shown()};
}

}  // namespace parley::http
