#include "http/client/server_url.h"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace parley::http {

std::expected<ServerUrl, std::string> ServerUrl::parse(std::string_view text) {
  const auto parsed = boost::urls::parse_uri(text);
  if (!parsed || !parsed->has_authority() || parsed->host().empty()) return std::unexpected("it is no URL");
  if (parsed->scheme() != "http") return std::unexpected("it does not begin with http://");
  if (parsed->has_userinfo() || parsed->has_query() || parsed->has_fragment()) {
    return std::unexpected("it has more than http://HOST:PORT/PATH");
  }
  ServerUrl url{.host = parsed->host_address(),
                .port = parsed->port().empty() ? "80" : std::string(parsed->port()),
                .authority = std::string(parsed->encoded_host_and_port()),
                .base = std::string(parsed->encoded_path())};
  while (url.base.ends_with('/')) url.base.pop_back();
  return url;
}

}  // namespace parley::http
