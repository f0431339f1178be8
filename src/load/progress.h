// The line that a person sees while a run goes on.
#pragma once

#include <string>
#include <string_view>

#include "load/timeline.h"

namespace parley::load {

/// Writes to standard error, over its own last line, and only where that is a terminal; clears it at the end.
class Progress {
 public:
  Progress();
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(const Second& second);
  void show(std::string_view text);

 private:
  bool terminal_;
};

/// A latency in milliseconds, with three digits that count: "0.412 ms", "12.3 ms", "1,234 ms".
[[nodiscard]] std::string milliseconds(LatencyHistogram::Duration latency);
/// A whole number with its thousands parted: "12,345".
[[nodiscard]] std::string thousands(std::uint64_t number);

}  // namespace parley::load
