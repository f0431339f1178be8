// A run as a picture.
#pragma once

#include <string>

#include "load/trial.h"

namespace parley::load {

/// An SVG document of two charts: the latency by percentile of each kind of request, and what each second was like.
[[nodiscard]] std::string to_svg(const Trial& trial);

}  // namespace parley::load
