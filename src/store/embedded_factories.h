// The stores that need no server, for the contract suite.
#pragma once

#include "store/memory_store.h"
#include "store/message_store_contract.h"
#include "store/rocksdb_store.h"

namespace parley::store {

inline StoreFactory memory_factory() {
  return {"Memory", [](const std::filesystem::path&, const StoreOptions& options, net::LoopPool&,
                       MetricsRegistry& metrics) { return make_memory_store(options, metrics); }};
}

inline StoreFactory rocksdb_factory() {
  return {"Rocksdb", [](const std::filesystem::path& folder, const StoreOptions& options, net::LoopPool& loops,
                        MetricsRegistry& metrics) {
            auto store = open_rocksdb_store(folder, options, loops, metrics);
            EXPECT_TRUE(store) << store.error().detail;
            return store ? *std::move(store) : nullptr;
          }};
}

}  // namespace parley::store
