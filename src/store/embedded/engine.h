// `--store rocksdb:PATH`
#pragma once

#include "store/engine.h"

namespace parley::store {

[[nodiscard]] Engine embedded_engine();

}  // namespace parley::store
