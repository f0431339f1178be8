// How `parley doctor` says what it found out.
#pragma once

#include <string>

#include "base/finding.h"

namespace parley::doctor {

/// A line for what is well, three for what is not.
[[nodiscard]] std::string to_text(const Findings& findings);
/// One line: {"good":…,"findings":[{"subject":…,"found":…,"good":…,"promise":…,"remedy":…}]}.
[[nodiscard]] std::string to_json(const Findings& findings);

[[nodiscard]] bool all_good(const Findings& findings);

}  // namespace parley::doctor
