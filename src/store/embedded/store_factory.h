// The embedded store, for the contract suites.
#pragma once

#include "store/embedded/store.h"
#include "store/store_contract.h"

namespace parley::store {

inline StoreFactory rocksdb_factory() {
  return {"Rocksdb", [](const std::filesystem::path& folder, const StoreOptions& options, net::LoopPool& loops,
                        MetricsRegistry& metrics) {
            auto store = open_rocksdb_store(folder, options, loops, metrics);
            EXPECT_TRUE(store) << store.error().detail;
            return store ? *std::move(store) : nullptr;
          }};
}

}  // namespace parley::store
