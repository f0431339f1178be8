// What was found out about something that the server needs.
#pragma once

#include <string>
#include <vector>

namespace parley {

/// One thing that was looked at. For a person: short, without a full stop.
struct Finding {
  std::string subject;   ///< what was looked at: "disk of /var/lib/parley"
  std::string found;     ///< what it is like
  std::string effect{};  ///< what goes wrong because of it; empty: all is well
  std::string fix{};     ///< what the operator does about it

  [[nodiscard]] bool good() const noexcept { return effect.empty(); }
};

using Findings = std::vector<Finding>;

}  // namespace parley
