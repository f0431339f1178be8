// What an operator may set about an HTTP listener.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "http/wire/problem.h"
#include "net/tls_source.h"

namespace parley::http {

struct HttpOptions {
  std::shared_ptr<const net::TlsSource> tls;  ///< none: in the clear
  std::size_t max_body = 6 * (std::size_t{64} << 10) + (std::size_t{16} << 10);
  std::size_t max_header = std::size_t{64} << 10;  ///< bytes of request line and header fields
  std::size_t max_connections = 20000;             ///< of one listener
  std::chrono::milliseconds header_timeout{
      10'000};                                      ///< from a request's first byte (or the accept) to its header's end
  std::chrono::milliseconds body_timeout{30'000};   ///< from the header's end to the body's
  std::chrono::milliseconds idle_timeout{75'000};   ///< between requests
  std::chrono::milliseconds write_timeout{30'000};  ///< for the client to take an answer
  std::chrono::milliseconds request_timeout{2'000};  ///< for the service to answer
  ErrorFormat errors = ErrorFormat::kProblem;
  std::vector<std::string> allow_origins;  ///< "https://app.example", "https://*.app.example", or "*"
  std::vector<std::string> allow_hosts;    ///< further names for Host: "chat.example", "*.chat.example", or "*"
};

}  // namespace parley::http
