#include "app/store_url.h"

#include <algorithm>
#include <array>
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

struct RedisScheme {
  std::string_view name;
  redis::Topology topology;
  bool tls;
};
constexpr std::array kRedisSchemes{
    RedisScheme{"redis", redis::Topology::kSingle, false},
    RedisScheme{"rediss", redis::Topology::kSingle, true},
    RedisScheme{"redis+sentinel", redis::Topology::kSentinel, false},
    RedisScheme{"rediss+sentinel", redis::Topology::kSentinel, true},
    RedisScheme{"redis+cluster", redis::Topology::kCluster, false},
    RedisScheme{"rediss+cluster", redis::Topology::kCluster, true},
};

/// Nothing where `path` suits the kind of servers.
std::expected<void, std::string> check_redis_path(redis::Topology topology, std::string_view path) {
  switch (topology) {
    case redis::Topology::kSingle:
      if (!path.empty() && !is_number(path)) return std::unexpected("the database is a number");
      break;
    case redis::Topology::kCluster:
      if (!path.empty()) return std::unexpected("a cluster has no path");
      break;
    case redis::Topology::kSentinel:
      if (path.empty()) return std::unexpected("redis+sentinel:// needs /MASTER at its end");
      break;
  }
  return {};
}

std::expected<StoreUrl, std::string> parse_redis_url(const RedisScheme& scheme, const Parts& parts) {
  auto hosts = parse_hosts(parts.hosts);
  if (!hosts) return std::unexpected(std::move(hosts).error());
  RedisStoreUrl url{.topology = scheme.topology,
                    .tls = scheme.tls,
                    .user = std::string(parts.user_info.substr(0, parts.user_info.find(':'))),
                    .password = {},
                    .hosts = *std::move(hosts),
                    .path = std::string(parts.path)};
  if (const std::size_t colon = parts.user_info.find(':'); colon != std::string_view::npos) {
    url.password = parts.user_info.substr(colon + 1);
  }
  if (scheme.topology == redis::Topology::kSingle && url.hosts.size() > 1) {
    return std::unexpected("several hosts need redis+cluster:// or redis+sentinel://");
  }
  if (auto path = check_redis_path(scheme.topology, url.path); !path) return std::unexpected(std::move(path).error());
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
  if (!parts) return std::unexpected("no such kind of store");
  for (const RedisScheme& scheme : kRedisSchemes) {
    if (scheme.name == parts->scheme) return parse_redis_url(scheme, *parts);
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
