#include "app/store_url.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <optional>
#include <system_error>
#include <utility>

#include <boost/beast/core/string.hpp>
#include <fmt/format.h>

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
    if (endpoint->port == 0) return std::unexpected("port 0 is no port of a server");
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

/// What stands behind `rocksdb:`. What a shell, or a reader of URLs, would take for another folder is refused.
std::expected<StoreUrl, std::string> parse_path(std::string_view path) {
  const auto refuse = [](std::string why) { return std::unexpected(std::move(why)); };
  if (path.empty()) return refuse("a path is missing: write rocksdb:PATH, as in rocksdb:parley-data");
  if (path.starts_with(' ') || path.ends_with(' ')) return refuse("the path begins or ends with a space");
  if (path.starts_with('~') || path.starts_with('$')) {
    return refuse(
        fmt::format("only a shell replaces {} at the beginning of a word: write the whole path, as in "
                    "rocksdb:/home/...",
                    path.substr(0, 1)));
  }
  if (path.starts_with("///")) return RocksdbStoreUrl{std::string(path.substr(2))};
  if (path.starts_with("//")) {
    const std::string_view name = path.substr(2);
    return refuse(
        fmt::format("there is no host to name behind //: write rocksdb:{} for a folder in the working "
                    "directory, or rocksdb:/{} for one at the root",
                    name, name));
  }
  return RocksdbStoreUrl{std::string(path)};
}

/// What to write in place of what is no URL of a store.
std::string hint_at_store(std::string_view text) {
  const std::string_view kind = text.substr(0, text.find(':'));
  const auto is_one_of = [kind](auto&&... names) { return (boost::beast::iequals(kind, names) || ...); };
  if (is_one_of("memory", "mem")) return "write memory:";
  if (is_one_of("rocksdb", "rocks", "file", "leveldb")) return "a folder is written rocksdb:PATH";
  if (is_one_of("redis", "rediss", "valkey", "valkeys", "keydb")) return "a Redis server is written redis://HOST:PORT";
  if (is_one_of("thrift", "thrifts")) return "other servers are no store: write --backend thrift://HOST:PORT";
  if (kind == text) return fmt::format("the kind of store is missing: write rocksdb:{} for a folder", text);
  return "there is no such kind of store";
}

}  // namespace

std::expected<StoreUrl, std::string> parse_store_url(std::string_view text) {
  constexpr std::string_view kRocksdb = "rocksdb:";
  if (text == "memory:") return MemoryStoreUrl{};
  if (text.starts_with(kRocksdb)) return parse_path(text.substr(kRocksdb.size()));
  const auto parts = split_url(text);
  if (!parts) return std::unexpected(hint_at_store(text));
  for (const RedisScheme& scheme : kRedisSchemes) {
    if (scheme.name == parts->scheme) return parse_redis_url(scheme, *parts);
  }
  return std::unexpected(hint_at_store(text));
}

std::expected<BackendUrl, std::string> parse_backend_url(std::string_view text) {
  const auto parts = split_url(text);
  const bool known = parts && (parts->scheme == "thrift" || parts->scheme == "thrifts");
  if (!known) return std::unexpected("a backend is the --rpc address of other servers: write thrift://HOST:PORT");
  if (!parts->user_info.empty() || !parts->path.empty()) {
    return std::unexpected("a backend has no user and no path: write thrift://HOST:PORT");
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
