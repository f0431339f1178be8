// `parley bench`
#pragma once

#include <chrono>
#include <string>

#include "load/plan.h"

namespace parley::load {

struct BenchCommand {
  Plan plan;
  bool search = false;                     ///< for the highest rate that holds `p99`; plan.rate is where it begins
  std::chrono::microseconds p99{100'000};  ///< of what is searched for
  bool json = false;                       ///< the report as one line of JSON
  std::string csv;                         ///< a file for what each second was like; empty: none
  std::string plot;                        ///< a file for the latencies as SVG; empty: none
};

/// Loads the server, reads back what it acknowledged, and prints a report, or one line of error. Returns the process'
/// exit code: 1 where there was no server, a promise was broken, something could not be read back, nothing succeeded,
/// no rate held, or a file could not be written.
[[nodiscard]] int run(const BenchCommand& command);

}  // namespace parley::load
