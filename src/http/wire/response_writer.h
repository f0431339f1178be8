// Writes a response's header.
#pragma once

#include <chrono>
#include <ctime>
#include <string>
#include <string_view>

#include "http/wire/message.h"

namespace parley::http {

/// What the server adds to a route's response.
struct ResponseFrame {
  std::string_view connection;  ///< whole header lines: close, or what keep_alive_lines() says
  std::string_view date;        ///< of an IMF-fixdate
  std::string_view request_id;  ///< empty: none
  std::string_view vary;
  std::string_view cors;  ///< whole header lines
};

/// The header lines of an answer after which the connection stays open (RFC 9110, 7.6.1). If `idle_timeout` is two
/// seconds or more, `Keep-Alive` tells the client to leave the connection a second or more before the server does.
[[nodiscard]] std::string keep_alive_lines(std::chrono::milliseconds idle_timeout);

/// Appends the status line and the fields, with the empty line that ends them.
void write_header(std::string& out, const Response& response, const ResponseFrame& frame);

/// The current time as Date has it (RFC 9110, 5.6.7), made anew at most once a second. One thread.
class DateCache {
 public:
  [[nodiscard]] std::string_view now();

 private:
  std::time_t second_ = -1;
  std::string text_;
};

}  // namespace parley::http
