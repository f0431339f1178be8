// What tests of the Redis store share.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "redis/redis_server_fixture.h"
#include "store/redis/store.h"
#include "store/store_fixture.h"

namespace parley::store {

/// What `--durability fsync` needs.
inline std::vector<std::string> durable_redis() { return {"appendonly yes", "appendfsync always"}; }

inline redis::ClientOptions client_of(const net::Endpoint& endpoint) {
  redis::ClientOptions out;
  out.servers = {endpoint};
  return out;
}

/// A cluster of three masters.
class RedisMasters {
 public:
  RedisMasters() {
    constexpr std::array<std::array<const char*, 2>, 3> kSlots{{{"0", "5000"}, {"5001", "10000"}, {"10001", "16383"}}};
    for (const auto& slots : kSlots) {
      auto lines = durable_redis();
      lines.emplace_back("cluster-enabled yes");
      lines.emplace_back("cluster-node-timeout 2000");
      servers_.push_back(std::make_unique<redis::RedisServer>(std::move(lines)));
      (void)servers_.back()->ask({"CLUSTER", "ADDSLOTSRANGE", slots[0], slots[1]});
    }
    for (const auto& server : servers_) {
      (void)servers_[0]->ask({"CLUSTER", "MEET", "127.0.0.1", std::to_string(server->port())});
    }
    redis::eventually("the cluster is whole", [this] {
      return std::ranges::all_of(servers_, [](const auto& server) {
        return server->field({"CLUSTER", "INFO"}, "cluster_state") == "ok" &&
               server->field({"CLUSTER", "INFO"}, "cluster_known_nodes") == "3";
      });
    });
  }

  [[nodiscard]] net::Endpoint endpoint() const { return servers_[0]->endpoint(); }
  [[nodiscard]] redis::RedisServer& server(std::size_t index) const { return *servers_.at(index); }
  void clear() const {
    for (const auto& server : servers_) (void)server->ask({"FLUSHALL"});
  }

 private:
  std::vector<std::unique_ptr<redis::RedisServer>> servers_;
};

/// A server of the test's own, and stores over it.
class RedisStoreFixture : public StoreFixture {
 protected:
  [[nodiscard]] Result<std::unique_ptr<MessageStore>> try_open(redis::ClientOptions servers,
                                                               const StoreOptions& options) {
    return open_redis_store(std::move(servers), options, loops_, metrics_, in(std::chrono::seconds(20)));
  }
  [[nodiscard]] std::unique_ptr<MessageStore> open(redis::ClientOptions servers, const StoreOptions& options) {
    auto store = try_open(std::move(servers), options);
    EXPECT_TRUE(store) << store.error().detail;
    return store ? *std::move(store) : nullptr;
  }
  [[nodiscard]] std::unique_ptr<MessageStore> open(const StoreOptions& options) {
    return open(client_of(server_.endpoint()), options);
  }
  /// Why a store cannot be opened.
  [[nodiscard]] std::string refusal(const StoreOptions& options) {
    const auto store = try_open(client_of(server_.endpoint()), options);
    EXPECT_FALSE(store);
    return store ? "" : store.error().detail;
  }

  redis::RedisServer server_{durable_redis()};
};

}  // namespace parley::store
