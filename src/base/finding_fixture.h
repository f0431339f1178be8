// What tests of findings share.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/finding.h"

namespace parley {

/// The problems among the findings, as "subject: found".
inline std::vector<std::string> problems(const Findings& findings) {
  std::vector<std::string> out;
  for (const Finding& finding : findings) {
    if (finding.good()) continue;
    EXPECT_NE(finding.fix, "") << finding.subject;
    out.push_back(finding.subject + ": " + finding.found);
  }
  return out;
}

}  // namespace parley
