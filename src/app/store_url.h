// Where the messages are kept, as an operator writes it: --store and --backend.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "net/endpoint.h"
#include "redis/client_options.h"

namespace parley::app {

/// `memory:`
struct MemoryStoreUrl {
  friend bool operator==(const MemoryStoreUrl&, const MemoryStoreUrl&) = default;
};

/// `rocksdb:PATH`
struct RocksdbStoreUrl {
  std::string path;
  friend bool operator==(const RocksdbStoreUrl&, const RocksdbStoreUrl&) = default;
};

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

using StoreUrl = std::variant<MemoryStoreUrl, RocksdbStoreUrl, RedisStoreUrl>;

/// What `--store` takes; else why `text` is no such URL, and what to write.
[[nodiscard]] std::expected<StoreUrl, std::string> parse_store_url(std::string_view text);

/// `thrift://HOST:PORT[,HOST:PORT…]`, and `thrifts://` the same over TLS.
struct BackendUrl {
  std::vector<net::Endpoint> nodes;  ///< at least one; none has port 0
  bool tls = false;
  friend bool operator==(const BackendUrl&, const BackendUrl&) = default;
};

/// What `--backend` takes; else why `text` is no such URL, and what to write.
[[nodiscard]] std::expected<BackendUrl, std::string> parse_backend_url(std::string_view text);

/// `url` without the password that it may carry; still a URL that parses.
[[nodiscard]] std::string without_password(const std::string& url);

}  // namespace parley::app
