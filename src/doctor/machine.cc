#include "doctor/machine.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/resource.h>

#include "base/units.h"

namespace parley::doctor {
namespace {

/// Beside the connections: the store's files, logs, loops.
constexpr std::uint64_t kOtherDescriptors = 2000;
/// An idle process, and what an idle connection holds.
constexpr std::uint64_t kProcess = std::uint64_t{64} << 20;
constexpr std::uint64_t kConnection = std::uint64_t{4} << 10;

std::string mebibytes(std::uint64_t bytes) { return format_size(bytes >> 20U << 20U); }

/// The limit of our control group; nothing where there is none.
std::uint64_t group_limit() {
  for (const char* path : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::uint64_t bytes = 0;
    if (std::ifstream(path) >> bytes) return bytes;
  }
  return UINT64_MAX;
}

Finding judge_descriptors(const MachineFacts& facts, const Needs& needs) {
  const std::uint64_t needed = needs.listeners * needs.connections + kOtherDescriptors;
  const std::string found = fmt::format("{} may be open, {} listeners of {} connections need {}", facts.descriptors,
                                        needs.listeners, needs.connections, needed);
  if (facts.descriptors >= needed) return {"open files", found};
  return {
      "open files", found,
      "that --max-connections are served: without a descriptor left, connections wait, and so may the store's files",
      "raise the limit (LimitNOFILE in a unit, ulimit -Hn), or lower --max-connections"};
}

Finding judge_memory(const MachineFacts& facts, const Needs& needs) {
  const std::uint64_t needed = needs.memory + kProcess + needs.listeners * needs.connections * kConnection;
  const std::string found = fmt::format("{}, of which the limits allow {}", mebibytes(facts.memory), mebibytes(needed));
  if (needed <= facts.memory / 10 * 9) return {"memory", found};
  return {"memory", found, "that a server under load says `overloaded`: it would be killed instead",
          "lower --store-memory, --max-memory or --max-connections, or give it more memory"};
}

}  // namespace

MachineFacts look_at_machine() {
  MachineFacts facts;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) facts.descriptors = limit.rlim_max;
  const auto pages = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES));
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  facts.memory = std::min(pages * page, group_limit());
  return facts;
}

Findings judge_machine(const MachineFacts& facts, const Needs& needs) {
  return {judge_descriptors(facts, needs), judge_memory(facts, needs)};
}

}  // namespace parley::doctor
