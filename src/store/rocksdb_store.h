// The embedded store.
#pragma once

#include <filesystem>
#include <memory>

#include "base/error.h"
#include "base/metrics.h"
#include "net/loop.h"
#include "store/message_store.h"
#include "store/store_options.h"

namespace rocksdb {
class Env;
}

namespace parley::store {

/// Opens the store in `folder`, making it where there is none. kUnavailable, with one line that says what to do, where
/// that cannot be: see RocksdbDatabase::open. `loops` must outlive the store, and the store what waits on them for it;
/// `metrics` must not be asked once the store is gone. `env` is for tests that let the disk fail; null is the real one.
[[nodiscard]] Result<std::unique_ptr<MessageStore>> open_rocksdb_store(const std::filesystem::path& folder,
                                                                       const StoreOptions& options,
                                                                       net::LoopPool& loops, MetricsRegistry& metrics,
                                                                       rocksdb::Env* env = nullptr);

}  // namespace parley::store
