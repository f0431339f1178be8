// `--store redis://…` and its like
#pragma once

#include "store/engine.h"

namespace parley::store {

/// One Redis server, Sentinel or Cluster, in the clear or over TLS.
[[nodiscard]] Engine redis_engine();

}  // namespace parley::store
