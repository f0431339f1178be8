#include "net/url.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace parley::net {

std::optional<UrlParts> split_url(std::string_view url) {
  const std::size_t colon = url.find("://");
  if (colon == std::string_view::npos) return std::nullopt;
  UrlParts parts{.scheme = url.substr(0, colon), .user_info = {}, .hosts = url.substr(colon + 3), .path = {}};
  // A password may hold a '/', so the hosts begin after the last '@'.
  if (const std::size_t at = parts.hosts.rfind('@'); at != std::string_view::npos) {
    parts.user_info = parts.hosts.substr(0, at);
    parts.hosts.remove_prefix(at + 1);
  }
  if (const std::size_t slash = parts.hosts.find('/'); slash != std::string_view::npos) {
    parts.path = parts.hosts.substr(slash + 1);
    parts.hosts = parts.hosts.substr(0, slash);
  }
  return parts;
}

std::expected<std::vector<Endpoint>, std::string> parse_hosts(std::string_view list) {
  std::vector<Endpoint> out;
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    auto endpoint = Endpoint::parse(list.substr(begin, end - begin));
    if (!endpoint) return std::unexpected(std::move(endpoint).error().detail);
    if (endpoint->port == 0) return std::unexpected("port 0 is no port of a server");
    out.push_back(*std::move(endpoint));
    begin = end + 1;
  }
  return out;
}

std::string without_password(const std::string& url) {
  const auto parts = split_url(url);
  if (!parts || parts->user_info.empty()) return url;
  const std::string_view user = parts->user_info.substr(0, parts->user_info.find(':'));
  const std::string_view after = std::string_view(url).substr(url.rfind('@') + 1);
  std::string out = std::string(parts->scheme) + "://";
  if (!user.empty()) out.append(user).append("@");
  return out.append(after);
}

}  // namespace parley::net
