// `parley serve`
#pragma once

#include "app/config.h"

namespace parley::app {

/// Serves until SIGTERM or SIGINT, then drains. Returns the process' exit code: 0, or 1 where it could not start, with
/// one line on standard error that says why.
[[nodiscard]] int serve(const Config& config);

}  // namespace parley::app
