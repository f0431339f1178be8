#include "http/client/server_url.h"

#include <charconv>
#include <cstdint>
#include <system_error>

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace parley::http {
namespace {

/// Boost.URL takes a number of any size for a port.
bool is_port(std::string_view text) {
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number != 0;
}

}  // namespace

std::expected<ServerUrl, std::string> ServerUrl::parse(std::string_view text) {
  const auto parsed = boost::urls::parse_uri(text);
  if (!parsed || !parsed->has_authority() || parsed->host().empty()) return std::unexpected("it is no URL");
  const bool tls = parsed->scheme() == "https";
  if (!tls && parsed->scheme() != "http") return std::unexpected("it does not begin with http:// or https://");
  const bool has_port = !parsed->port().empty();
  if (parsed->has_userinfo() || parsed->has_query() || parsed->has_fragment()) {
    return std::unexpected("it has more than http://HOST:PORT/PATH");
  }
  if (!parsed->port().empty() && !is_port(parsed->port())) {
    return std::unexpected("its port is not a number from 1 to 65535");
  }
  ServerUrl url{.host = parsed->host_address(),
                .port = has_port ? parsed->port_number() : static_cast<std::uint16_t>(tls ? 443 : 80),
                .authority = std::string(parsed->encoded_host_and_port()),
                .base = std::string(parsed->encoded_path()),
                .tls = tls};
  while (url.base.ends_with('/')) url.base.pop_back();
  return url;
}

}  // namespace parley::http
