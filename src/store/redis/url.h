// Where a store in Redis is, as an operator writes it.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "net/endpoint.h"
#include "redis/client_options.h"

namespace parley::store {

/// `redis://[user:password@]HOST:PORT[/DB]`, `redis+cluster://HOST:PORT,…`, `redis+sentinel://HOST:PORT,…/MASTER`, and
/// `rediss…` the same over TLS. All but plain `redis` and `rediss` may carry several hosts.
struct RedisStoreUrl {
  redis::Topology topology = redis::Topology::kSingle;
  bool tls = false;
  std::string user;
  std::string password;
  std::vector<net::Endpoint> hosts;  ///< at least one; none has port 0
  std::string path;                  ///< DB or MASTER; empty where there is none
  friend bool operator==(const RedisStoreUrl&, const RedisStoreUrl&) = default;
};

/// Whether `text` has the scheme of such a URL.
[[nodiscard]] bool is_redis_store_url(std::string_view text);

/// Says what is wrong if `text` is no such URL.
[[nodiscard]] std::expected<RedisStoreUrl, std::string> parse_redis_store_url(std::string_view text);

}  // namespace parley::store
