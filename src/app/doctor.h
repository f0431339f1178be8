// `parley doctor`
#pragma once

#include "app/config.h"

namespace parley::app {

/// Looks at what the configuration points at, and prints what it found, as text or as JSON. Returns the process' exit
/// code: 0 where all is well, 1 where something is not.
[[nodiscard]] int doctor(const Config& config, bool json);

}  // namespace parley::app
