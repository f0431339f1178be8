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

/// Opens the store in `folder`, or makes it (and the folder). `loops` must outlive the store; no call may be under way
/// when it is destroyed. `metrics` shows its cells from now on, also after it is gone. `env` replaces the operating
/// system's files, for tests.
///
/// kUnavailable, in one line for a person, when it cannot be opened; nothing in the folder is the worse for it.
///
/// After a failed write or fsync it takes no more writes until it is opened anew: what was in that write answers
/// kOutcomeUnknown, later appends kUnavailable; reads and repeats of stored keys go on, and health() says why.
[[nodiscard]] Result<std::unique_ptr<MessageStore>> open_rocksdb_store(const std::filesystem::path& folder,
                                                                       const StoreOptions& options,
                                                                       net::LoopPool& loops, MetricsRegistry& metrics,
                                                                       rocksdb::Env* env = nullptr);

}  // namespace parley::store
