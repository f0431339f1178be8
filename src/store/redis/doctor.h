// The Redis servers that a store is in.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "base/finding.h"
#include "redis/client_options.h"
#include "store/redis/settings.h"
#include "store/store_options.h"

namespace parley::store {

/// One master.
struct RedisFacts {
  RedisSettings settings{};
  std::map<std::string, std::string, std::less<>> info{};  ///< what INFO says, by its names; empty: it did not answer
};

/// What the masters say of the store that they hold together; empty: none of them has it.
struct RedisStoreFacts {
  std::string format{};
  std::string id{};
  std::string lanes{};
};

struct RedisServers {
  std::string failure{};                        ///< why the masters cannot be asked; empty: they were
  std::map<std::string, RedisFacts> masters{};  ///< by address
  RedisStoreFacts store{};
  int overcommit = -1;  ///< this machine's vm.overcommit_memory, where a server runs here; -1: none does
};

/// Asks every master, for up to `patience`. Blocks.
[[nodiscard]] RedisServers ask_redis(const redis::ClientOptions& options, std::chrono::milliseconds patience);

/// `replicas` is how many must confirm a send.
[[nodiscard]] Findings judge_redis(const RedisServers& servers, Durability durability, std::size_t replicas);

}  // namespace parley::store
