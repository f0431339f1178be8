// What `parley doctor` found out.
#pragma once

#include <string>
#include <vector>

namespace parley::doctor {

/// One thing that was looked at. For a person: short, without a full stop.
struct Finding {
  std::string subject;    ///< what was looked at: "disk of /var/lib/parley"
  std::string found;      ///< what it is like
  std::string promise{};  ///< what cannot be kept so; empty: all is well
  std::string remedy{};   ///< what to do about it

  [[nodiscard]] bool good() const noexcept { return promise.empty(); }
};

using Findings = std::vector<Finding>;

/// A line for what is well, three for what is not.
[[nodiscard]] std::string to_text(const Findings& findings);
/// One line: {"good":…,"findings":[{"subject":…,"found":…,"good":…,"promise":…,"remedy":…}]}.
[[nodiscard]] std::string to_json(const Findings& findings);

[[nodiscard]] bool all_good(const Findings& findings);

}  // namespace parley::doctor
