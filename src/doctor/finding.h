// The report of `parley doctor`.
#pragma once

#include <string>

#include "base/finding.h"

namespace parley::doctor {

/// One line for each finding that is good, three for each problem.
[[nodiscard]] std::string to_text(const Findings& findings);
/// One line: {"good":…,"findings":[{"subject":…,"found":…,"good":…,"effect":…,"fix":…}]}.
[[nodiscard]] std::string to_json(const Findings& findings);

[[nodiscard]] bool all_good(const Findings& findings);

}  // namespace parley::doctor
