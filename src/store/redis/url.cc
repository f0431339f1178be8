#include "store/redis/url.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "base/parse_number.h"
#include "net/url.h"

namespace parley::store {
namespace {

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
      if (!path.empty() && !parse_number<unsigned>(path)) return std::unexpected("the database is a number");
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

std::expected<RedisStoreUrl, std::string> parse_parts(const RedisScheme& scheme, const net::UrlParts& parts) {
  auto hosts = net::parse_hosts(parts.hosts);
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

bool is_redis_store_url(std::string_view text) {
  const auto parts = net::split_url(text);
  return parts &&
         std::ranges::any_of(kRedisSchemes, [&](const RedisScheme& scheme) { return scheme.name == parts->scheme; });
}

std::expected<RedisStoreUrl, std::string> parse_redis_store_url(std::string_view text) {
  const auto parts = net::split_url(text);
  if (!parts) return std::unexpected("no such kind of store");
  for (const RedisScheme& scheme : kRedisSchemes) {
    if (scheme.name == parts->scheme) return parse_parts(scheme, *parts);
  }
  return std::unexpected("no such kind of store");
}

}  // namespace parley::store
