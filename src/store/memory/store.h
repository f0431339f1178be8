// A store that forgets everything when it goes away: for tests and trials.
#pragma once

#include <memory>

#include "base/metrics.h"
#include "net/loop.h"
#include "store/message_store.h"
#include "store/store_options.h"

namespace parley::store {

/// What it keeps is as durable as the process. Grows without bound: StoreOptions::memory does not count here. `loops`
/// outlive it.
[[nodiscard]] std::unique_ptr<MessageStore> make_memory_store(StoreOptions options, net::LoopPool& loops,
                                                              MetricsRegistry& metrics);

}  // namespace parley::store
