// `parley doctor`
#pragma once

#include "app/config.h"

namespace parley::app {

/// Looks at what the configuration points at, and prints what it found, as text or as JSON. Returns the process' exit
/// code: 0 if all is well, 1 if there is a problem.
[[nodiscard]] int doctor(const Config& config, bool json);

}  // namespace parley::app
