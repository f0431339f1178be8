// A store that forgets everything with the process: for tests and trials.
#pragma once

#include <memory>

#include "store/message_store.h"
#include "store/store_options.h"

namespace parley::store {

/// Durability and bounds do not apply; the clock and the idempotency window do.
[[nodiscard]] std::unique_ptr<MessageStore> make_memory_store(const StoreOptions& options);

}  // namespace parley::store
