// What the machine, or the container, lets a process have.
#pragma once

#include <cstdint>

#include "doctor/finding.h"

namespace parley::doctor {

struct MachineFacts {
  std::uint64_t descriptors = 0;  ///< the hard limit of open files, which a server raises its own to
  std::uint64_t memory = 0;       ///< bytes: the machine's, or the control group's where that is less
};

[[nodiscard]] MachineFacts look_at_machine();

/// What a server is configured to take.
struct Needs {
  std::uint64_t listeners = 0;
  std::uint64_t connections = 0;  ///< of each listener
  std::uint64_t memory = 0;       ///< bytes that its limits add up to, without the connections
};

[[nodiscard]] Findings judge_machine(const MachineFacts& facts, const Needs& needs);

}  // namespace parley::doctor
