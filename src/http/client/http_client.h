// HTTP and HTTPS to one server, a request at a time.
#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/beast/core/flat_buffer.hpp>

#include "base/task.h"
#include "http/client/server_url.h"
#include "net/channel.h"
#include "net/connector.h"
#include "net/loop.h"
#include "net/tls_source.h"

namespace parley::http {

struct HttpRequest {
  std::string method;
  std::string target;  ///< from the slash on, encoded
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

struct HttpAnswer {
  unsigned status = 0;
  std::string code;  ///< Parley-Code; empty if there is none
  std::string body;
  std::chrono::seconds retry_after{0};  ///< Retry-After; 0 if there is none
  std::string server{};                 ///< that answered, for messages
};

/// Why there is no answer.
struct NoAnswer {
  std::string why;         ///< one line
  bool maybe_sent = true;  ///< the server may have seen the request, and acted on it
};

using HttpOutcome = std::expected<HttpAnswer, NoAnswer>;

/// What a connection to `url` speaks TLS by; nothing if it is in the clear. The error's detail is one line.
[[nodiscard]] Result<std::shared_ptr<net::TlsSource>> tls_of(const ServerUrl& url);

/// Keeps its connection between requests. On its loop's thread, one call at a time.
class HttpClient {
 public:
  HttpClient(net::Loop& loop, ServerUrl url, std::chrono::milliseconds timeout)
      : loop_(loop), url_(std::move(url)), timeout_(timeout), connector_(loop) {}

  /// The answer, whatever its status, or why there is none. The timeout bounds connecting, and again the exchange. A
  /// kept connection that turns out dead is replaced once, so only requests that may be repeated are for this client.
  [[nodiscard]] Async<HttpOutcome> call(HttpRequest request);

  /// Whether any of the last call's request may have reached the server; if not, it surely did nothing.
  [[nodiscard]] bool delivered() const noexcept { return delivered_; }

 private:
  template <class T>
  using Try = Async<std::expected<T, std::string>>;  // or what completes "127.0.0.1:8080 (--url) …"

  [[nodiscard]] Try<void> connect();
  [[nodiscard]] Try<HttpAnswer> exchange(const HttpRequest& request);
  [[nodiscard]] Async<boost::system::error_code> write(std::string_view bytes, const bool& late);
  /// Reads some more. The end of the stream is eof.
  [[nodiscard]] Async<boost::system::error_code> read(const bool& late);
  [[nodiscard]] std::string reason(const boost::system::error_code& error) const;

  net::Loop& loop_;
  ServerUrl url_;
  std::chrono::milliseconds timeout_;
  net::Connector connector_;
  std::shared_ptr<net::TlsSource> tls_;
  std::unique_ptr<net::Channel> channel_;
  boost::beast::flat_buffer buffer_;
  bool delivered_ = false;
};

}  // namespace parley::http
