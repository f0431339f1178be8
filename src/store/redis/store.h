// The store in Redis: one server, Sentinel or Cluster; any number of processes share it.
#pragma once

#include <memory>

#include "base/error.h"
#include "base/metrics.h"
#include "net/loop.h"
#include "redis/client_options.h"
#include "store/message_store.h"
#include "store/store_options.h"

namespace parley::store {

/// Connects to the store that `servers` names, or makes one of an empty database. `loops` must outlive the store; no
/// call may be under way when it is destroyed. `metrics` shows its cells from now on, also after it is gone. Blocks;
/// not from a loop.
///
/// kUnavailable, in one line for a person, when by the deadline it cannot be reached, when it keeps another format, or
/// when its settings do not fit options.durability. If they no longer fit later, appends are kUnavailable for as long
/// as that lasts, as health() says. StoreOptions::memory bounds the pages and what is known of the index.
[[nodiscard]] Result<std::unique_ptr<MessageStore>> open_redis_store(redis::ClientOptions servers,
                                                                     const StoreOptions& options, net::LoopPool& loops,
                                                                     MetricsRegistry& metrics, Deadline deadline);

}  // namespace parley::store
