// The memory store, for the contract suite.
#pragma once

#include "store/memory/store.h"
#include "store/message_store_contract.h"

namespace parley::store {

inline StoreFactory memory_factory() {
  return {"Memory", [](const std::filesystem::path&, const StoreOptions& options, net::LoopPool&,
                       MetricsRegistry& metrics) { return make_memory_store(options, metrics); }};
}

}  // namespace parley::store
