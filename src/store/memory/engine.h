// `--store memory:`
#pragma once

#include "store/engine.h"

namespace parley::store {

[[nodiscard]] Engine memory_engine();

}  // namespace parley::store
