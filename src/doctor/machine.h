// What the machine, or the container, lets a process have.
#pragma once

#include <cstddef>
#include <cstdint>

#include "doctor/finding.h"

namespace parley::doctor {

struct MachineFacts {
  std::uint64_t descriptors = 0;  ///< the hard limit of open files, which a server raises its own to
  std::uint64_t memory = 0;       ///< bytes: the machine's, or the control group's where that is less
};

[[nodiscard]] MachineFacts look_at_machine();

/// How many connections each of `listeners` can take under this limit of open files: the others are for the store.
[[nodiscard]] std::size_t connections_within(std::uint64_t descriptors, std::size_t listeners);

/// What a server is configured to take.
struct Needs {
  std::uint64_t listeners = 0;
  std::uint64_t connections = 0;  ///< of each listener
  bool asked_for = false;         ///< by the operator; else the server takes what the limit allows
  std::uint64_t memory = 0;       ///< bytes that its limits add up to, without the connections
};

[[nodiscard]] Findings judge_machine(const MachineFacts& facts, const Needs& needs);

}  // namespace parley::doctor
