#include "app/store_url.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>
#include <system_error>
#include <utility>

namespace parley::app {
namespace {

/// The parts of SCHEME://[userinfo@]HOSTS[/PATH].
struct Parts {
  std::string_view scheme;
  std::string_view user_info;
  std::string_view hosts;
  std::string_view path;
};

std::optional<Parts> split_url(std::string_view text) {
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos) return std::nullopt;
  Parts parts{.scheme = text.substr(0, colon), .user_info = {}, .hosts = text.substr(colon + 3), .path = {}};
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

std::expected<std::vector<net::Endpoint>, std::string> parse_hosts(std::string_view list) {
  std::vector<net::Endpoint> out;
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    auto endpoint = net::Endpoint::parse(list.substr(begin, end - begin));
    if (!endpoint) return std::unexpected(std::move(endpoint).error().detail);
    if (endpoint->port == 0) return std::unexpected("a host needs its port");
    out.push_back(*std::move(endpoint));
    begin = end + 1;
  }
  return out;
}

bool is_number(std::string_view text) {
  unsigned value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && rest == text.data() + text.size();
}

std::expected<StoreUrl, std::string> parse_redis_url(const Parts& parts) {
  auto hosts = parse_hosts(parts.hosts);
  if (!hosts) return std::unexpected(std::move(hosts).error());
  RedisStoreUrl url{.scheme = std::string(parts.scheme),
                    .user = std::string(parts.user_info.substr(0, parts.user_info.find(':'))),
                    .password = {},
                    .hosts = *std::move(hosts),
                    .path = std::string(parts.path)};
  if (const std::size_t colon = parts.user_info.find(':'); colon != std::string_view::npos) {
    url.password = parts.user_info.substr(colon + 1);
  }
  if (parts.scheme == "redis" || parts.scheme == "rediss") {
    if (url.hosts.size() > 1) return std::unexpected("several hosts need redis+cluster:// or redis+sentinel://");
    if (!url.path.empty() && !is_number(url.path)) return std::unexpected("the database is a number");
  } else if (parts.scheme == "redis+cluster") {
    if (!url.path.empty()) return std::unexpected("a cluster has no path");
  } else if (url.path.empty()) {
    return std::unexpected("redis+sentinel:// needs /MASTER at its end");
  }
  return url;
}

}  // namespace

std::expected<StoreUrl, std::string> parse_store_url(std::string_view text) {
  constexpr std::string_view kRocksdb = "rocksdb:";
  if (text == "memory:") return MemoryStoreUrl{};
  if (text.starts_with(kRocksdb)) {
    text.remove_prefix(kRocksdb.size());
    if (text.empty()) return std::unexpected("rocksdb: needs a path");
    return RocksdbStoreUrl{std::string(text)};
  }
  const auto parts = split_url(text);
  if (parts && (parts->scheme == "redis" || parts->scheme == "rediss" || parts->scheme == "redis+cluster" ||
                parts->scheme == "redis+sentinel")) {
    return parse_redis_url(*parts);
  }
  return std::unexpected("no such kind of store");
}

std::expected<BackendUrl, std::string> parse_backend_url(std::string_view text) {
  const auto parts = split_url(text);
  const bool known = parts && (parts->scheme == "thrift" || parts->scheme == "thrifts");
  if (!known || !parts->user_info.empty() || !parts->path.empty()) {
    return std::unexpected("no such kind of backend");
  }
  auto nodes = parse_hosts(parts->hosts);
  if (!nodes) return std::unexpected(std::move(nodes).error());
  return BackendUrl{*std::move(nodes), parts->scheme == "thrifts"};
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

}  // namespace parley::app
