// Writes a response's header.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

#include "http/message.h"

namespace parley::http {

/// What the server adds to a route's response.
struct ResponseFrame {
  enum class Connection : std::uint8_t {
    kDefault,    ///< stays open, and HTTP/1.1 says so by itself
    kKeepAlive,  ///< stays open, for an HTTP/1.0 client
    kClose,
  };
  Connection connection = Connection::kDefault;
  std::string_view date;        ///< of an IMF-fixdate
  std::string_view request_id;  ///< empty: none
  std::string_view vary;
  std::string_view cors;  ///< whole header lines
};

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
