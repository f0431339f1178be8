// `parley serve`
#pragma once

#include "app/config.h"

namespace parley::app {

/// Serves until SIGTERM or SIGINT, then drains. Returns the process' exit code: 0; or 1 if it could not start, or the
/// embedded store had failed. Then a line on standard error says why.
[[nodiscard]] int serve(const Config& config);

}  // namespace parley::app
