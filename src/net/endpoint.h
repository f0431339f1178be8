// Where a listener listens: HOST:PORT, as an operator writes it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace parley::net {

struct Endpoint {
  std::string host;        ///< a name or an address; an IPv6 address without its brackets
  std::uint16_t port = 0;  ///< 0: whichever is free

  /// Reads "127.0.0.1:8080", "localhost:0", "[::1]:8080". The error's detail says what is wrong with `text`.
  [[nodiscard]] static Result<Endpoint> parse(std::string_view text);

  /// What parse() reads.
  [[nodiscard]] std::string to_string() const;

  /// Whether only this machine can reach it: localhost, 127.0.0.0/8 or ::1. A name other than localhost is not looked
  /// up, and so is not.
  [[nodiscard]] bool is_loopback() const;

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

/// Whether `host` (no port, an IPv6 address without brackets) is localhost, a name under it (RFC 6761), 127.0.0.0/8 or
/// ::1.
[[nodiscard]] bool is_loopback_host(std::string_view host);

}  // namespace parley::net
