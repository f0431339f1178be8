#include "http/client/server_url.h"

#include <cstdint>
#include <optional>

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include "base/parse_number.h"

namespace parley::http {
namespace {

/// The port that these digits name. Boost.URL's port_number() is of no use here: Boost 1.81 takes 99999 for 34463.
std::optional<std::uint16_t> to_port(std::string_view digits) {
  const auto port = parse_number<std::uint16_t>(digits);
  return port == 0 ? std::nullopt : port;
}

}  // namespace

std::expected<ServerUrl, std::string> ServerUrl::parse(std::string_view text) {
  const auto parsed = boost::urls::parse_uri(text);
  if (!parsed || !parsed->has_authority() || parsed->host().empty()) return std::unexpected("it is no URL");
  const bool tls = parsed->scheme() == "https";
  if (!tls && parsed->scheme() != "http") return std::unexpected("it does not begin with http:// or https://");
  const std::string digits = parsed->port();
  const auto port = digits.empty() ? static_cast<std::uint16_t>(tls ? 443 : 80) : to_port(digits);
  if (parsed->has_userinfo() || parsed->has_query() || parsed->has_fragment()) {
    return std::unexpected("it has more than http://HOST:PORT/PATH");
  }
  if (!port) return std::unexpected("its port is not a number from 1 to 65535");
  ServerUrl url{.host = parsed->host_address(),
                .port = *port,
                .authority = std::string(parsed->encoded_host_and_port()),
                .base = std::string(parsed->encoded_path()),
                .tls = tls};
  while (url.base.ends_with('/')) url.base.pop_back();
  return url;
}

}  // namespace parley::http
