// What an operator may set about a store.
#pragma once

#include <chrono>
#include <cstddef>

#include "base/clock.h"

namespace parley::store {

/// What an acknowledgement promises.
enum class Durability {
  kFsync,  ///< on disk
  kOs,     ///< with the operating system: survives the process, not the machine
};

struct StoreOptions {
  Durability durability = Durability::kFsync;
  std::chrono::microseconds idempotency_window = std::chrono::hours(24);  ///< how long keys are remembered, at least
  std::size_t memory = std::size_t{256} << 20;   ///< bytes for caches and write buffers together
  std::size_t max_queue = 16384;                 ///< appends that wait for the disk; one more is kOverloaded
  std::size_t max_text = std::size_t{64} << 10;  ///< bytes of the largest text: what answers of a server may come to
  WallClock clock = wall_clock_us;
};

}  // namespace parley::store
