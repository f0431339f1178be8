// SIGINT and SIGTERM, as requests to come to an end.
#pragma once

namespace parley::load {

/// While one lives, the first SIGINT or SIGTERM is noted, and a second one ends the process at once with 128 + its
/// number, whatever else is going on. One per process.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  /// Whether the first one has come. Any thread.
  [[nodiscard]] bool came() const noexcept;
};

}  // namespace parley::load
