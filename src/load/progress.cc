#include "load/progress.h"

#include <chrono>
#include <cmath>
#include <string>
#include <unistd.h>

#include <fmt/format.h>

#include "base/line_writer.h"
#include "base/output.h"

namespace parley::load {
namespace {

/// A terminal that was stopped (Ctrl-S) must not stop the measuring.
LineWriter& terminal() {
  static LineWriter& instance = *new LineWriter(STDERR_FILENO);
  return instance;
}

}  // namespace

Progress::Progress() : terminal_(error_is_terminal()) {}

Progress::~Progress() {
  show("");
  if (terminal_) terminal().flush(std::chrono::seconds(1));
}

void Progress::show(const Second& second) {
  show(fmt::format("{} s: {}/s, p50 {}, p99 {}, max {}, {} errors", second.number + 1, thousands(second.requests),
                   milliseconds(second.p50), milliseconds(second.p99), milliseconds(second.max),
                   thousands(second.errors)));
}

void Progress::show(std::string_view text) {
  if (terminal_) terminal().write(fmt::format("\r\x1b[K{}", text));
}

std::string milliseconds(LatencyHistogram::Duration latency) {
  const double value = std::chrono::duration<double, std::milli>(latency).count();
  if (value >= 1000) return thousands(static_cast<std::uint64_t>(std::llround(value))) + " ms";
  return fmt::format("{:.{}f} ms", value, value < 1 ? 3 : value < 10 ? 2 : value < 100 ? 1 : 0);
}

std::string thousands(std::uint64_t number) {
  std::string out = std::to_string(number);
  for (std::size_t at = out.size(); at > 3;) out.insert(at -= 3, ",");
  return out;
}

}  // namespace parley::load
