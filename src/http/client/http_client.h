// HTTP to one server, a request at a time.
#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/rate_policy.hpp>

#include "base/task.h"
#include "http/client/server_url.h"

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

/// Keeps its connection between requests. One thread, one call at a time.
class HttpClient {
 public:
  HttpClient(Executor executor, ServerUrl url, std::chrono::milliseconds timeout)
      : executor_(std::move(executor)), url_(std::move(url)), timeout_(timeout) {}

  /// The answer, whatever its status, or why there is none. The timeout bounds connecting, and again the exchange. A
  /// kept connection that turns out dead is replaced once, so only requests that may be repeated are for this client.
  [[nodiscard]] Async<HttpOutcome> call(HttpRequest request);

  /// Whether any of the last call's request may have reached the server; if not, it surely did nothing.
  [[nodiscard]] bool delivered() const noexcept { return delivered_; }

 private:
  using Stream = boost::beast::basic_stream<boost::asio::ip::tcp, Executor>;

  [[nodiscard]] Async<> connect();
  [[nodiscard]] Async<HttpAnswer> exchange(const HttpRequest& request);
  [[nodiscard]] std::string reason(const boost::system::error_code& error) const;

  Executor executor_;
  ServerUrl url_;
  std::chrono::milliseconds timeout_;
  std::optional<Stream> stream_;
  boost::beast::flat_buffer buffer_;
  bool delivered_ = false;
};

}  // namespace parley::http
