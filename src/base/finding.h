// What was found out about something that the server needs.
#pragma once

#include <string>
#include <vector>

namespace parley {

/// One thing that was looked at. For a person: short, without a full stop.
struct Finding {
  std::string subject;    ///< what was looked at: "disk of /var/lib/parley"
  std::string found;      ///< what it is like
  std::string promise{};  ///< what cannot be kept so; empty: all is well
  std::string remedy{};   ///< what to do about it

  [[nodiscard]] bool good() const noexcept { return promise.empty(); }
};

using Findings = std::vector<Finding>;

}  // namespace parley
