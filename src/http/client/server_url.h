// The server that the commands talk to.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace parley::http {

struct ServerUrl {
  std::string host;           ///< a name or an address; an IPv6 address without its brackets
  std::uint16_t port = 0;     ///< the scheme's, if the URL names none
  std::string authority;      ///< for the Host header
  std::string base;           ///< what comes before /api, without a trailing slash; mostly empty
  bool tls = false;           ///< https
  std::string authorities{};  ///< a PEM file of those whom the server's certificate must be from; empty: the system's
  std::string option = "--url";  ///< which one gave it, for messages

  /// `127.0.0.1:8080 (--url)`, for messages.
  [[nodiscard]] std::string shown() const { return authority + " (" + option + ")"; }

  /// Reads http://HOST[:PORT][/BASE] or https://...; else says what is wrong.
  [[nodiscard]] static std::expected<ServerUrl, std::string> parse(std::string_view text);
};

}  // namespace parley::http
