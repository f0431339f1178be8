// The contract, over every store.
#include "store/memory_store.h"
#include "store/message_store_contract.h"
#include "store/rocksdb_store.h"

namespace parley::store {
namespace {

std::unique_ptr<MessageStore> make_memory(const std::filesystem::path&, const StoreOptions& options, net::LoopPool&,
                                          MetricsRegistry& metrics) {
  return make_memory_store(options, metrics);
}

std::unique_ptr<MessageStore> make_rocksdb(const std::filesystem::path& folder, const StoreOptions& options,
                                           net::LoopPool& loops, MetricsRegistry& metrics) {
  auto store = open_rocksdb_store(folder, options, loops, metrics);
  EXPECT_TRUE(store) << store.error().detail;
  return store ? *std::move(store) : nullptr;
}

INSTANTIATE_TEST_SUITE_P(Stores, MessageStoreContract,
                         testing::Values(StoreFactory{"Memory", make_memory}, StoreFactory{"Rocksdb", make_rocksdb}),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace parley::store
