// A store that forgets everything when it goes away: for tests and trials.
#pragma once

#include <memory>

#include "base/metrics.h"
#include "store/message_store.h"
#include "store/store_options.h"

namespace parley::store {

/// Its messages are as durable as the process. Grows without bound: StoreOptions::memory does not count here.
[[nodiscard]] std::unique_ptr<MessageStore> make_memory_store(StoreOptions options, MetricsRegistry& metrics);

}  // namespace parley::store
