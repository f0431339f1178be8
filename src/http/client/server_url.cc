#include "http/client/server_url.h"

#include <cstdint>

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace parley::http {
std::expected<ServerUrl, std::string> ServerUrl::parse(std::string_view text) {
  const auto parsed = boost::urls::parse_uri(text);
  if (!parsed || !parsed->has_authority() || parsed->host().empty()) return std::unexpected("it is no URL");
  const bool tls = parsed->scheme() == "https";
  if (!tls && parsed->scheme() != "http") return std::unexpected("it does not begin with http:// or https://");
  const bool has_port = !parsed->port().empty();
  if (parsed->has_userinfo() || parsed->has_query() || parsed->has_fragment()) {
    return std::unexpected("it has more than http://HOST:PORT/PATH");
  }
  if (has_port && parsed->port_number() == 0) {  // or too large
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
