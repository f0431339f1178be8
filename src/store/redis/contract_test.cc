// The contract, over Redis.
#include "store/message_store_contract.h"
#include "store/redis/store_fixture.h"

namespace parley::store {
namespace {

std::unique_ptr<MessageStore> open_redis(redis::ClientOptions servers, const StoreOptions& options,
                                         net::LoopPool& loops, MetricsRegistry& metrics) {
  auto store = open_redis_store(std::move(servers), options, loops, metrics, in(std::chrono::seconds(30)));
  EXPECT_TRUE(store) << store.error().detail;
  return store ? *std::move(store) : nullptr;
}

std::unique_ptr<MessageStore> make_redis(const std::filesystem::path&, const StoreOptions& options,
                                         net::LoopPool& loops, MetricsRegistry& metrics) {
  static const redis::RedisServer server(durable_redis());  // for all tests
  (void)server.ask({"FLUSHALL"});
  return open_redis(client_of(server.endpoint()), options, loops, metrics);
}

/// As it is with texts so large that every page is cut off by the server.
std::unique_ptr<MessageStore> make_redis_of_large_texts(const std::filesystem::path& folder,
                                                        const StoreOptions& options, net::LoopPool& loops,
                                                        MetricsRegistry& metrics) {
  StoreOptions large = options;
  large.max_text = std::size_t{16} << 20;
  return make_redis(folder, large, loops, metrics);
}

std::unique_ptr<MessageStore> make_cluster(const std::filesystem::path&, const StoreOptions& options,
                                           net::LoopPool& loops, MetricsRegistry& metrics) {
  static const RedisMasters masters;
  masters.clear();
  redis::ClientOptions servers = client_of(masters.endpoint());
  servers.topology = redis::Topology::kCluster;
  return open_redis(std::move(servers), options, loops, metrics);
}

STORES_KEEP_THE_CONTRACT(StoreFactory{"Redis", make_redis},
                         StoreFactory{"RedisOfLargeTexts", make_redis_of_large_texts},
                         StoreFactory{"RedisCluster", make_cluster});

}  // namespace
}  // namespace parley::store
