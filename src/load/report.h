// What a run is told as: for a person, for a program, for a spreadsheet.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "load/bench.h"
#include "load/trial.h"

namespace parley::load {

/// One rate that the search tried.
struct Attempt {
  double rate = 0;
  bool held = false;
  double reached = 0;
  std::uint64_t errors = 0;
  LatencyHistogram::Duration p99{0};
};

struct Report {
  const BenchCommand& command;
  std::string durability;           ///< as the server says; empty: it does not
  Trial trial{};                    ///< of a search, the best one that held, or the last one
  Verdict verdict{};                ///< of all trials
  std::vector<Attempt> attempts{};  ///< empty where nothing was searched
  bool interrupted = false;

  /// Nothing was broken or could not be read back, something succeeded, and a rate was found where one was searched.
  [[nodiscard]] bool good() const;
};

[[nodiscard]] std::string to_text(const Report& report);
/// One line. Times are in microseconds.
[[nodiscard]] std::string to_json(const Report& report);
/// A line a second, under a line of names.
[[nodiscard]] std::string to_csv(const std::vector<Second>& timeline);

}  // namespace parley::load
