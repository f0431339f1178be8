// The memory store, for the contract suites.
#pragma once

#include "store/memory/store.h"
#include "store/store_contract.h"

namespace parley::store {

inline StoreFactory memory_factory() {
  return {"Memory", [](const std::filesystem::path&, const StoreOptions& options, net::LoopPool& loops,
                       MetricsRegistry& metrics) { return make_memory_store(options, loops, metrics); }};
}

}  // namespace parley::store
