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

/// Beside the connections: the store's files, logs, loops. Under a low limit it is half of that limit.
constexpr std::uint64_t kOtherDescriptors = 1000;
/// An idle process, and what an idle connection holds.
constexpr std::uint64_t kProcess = std::uint64_t{64} << 20;
constexpr std::uint64_t kConnection = std::uint64_t{4} << 10;

std::string mebibytes(std::uint64_t bytes) { return format_size(bytes >> 20U << 20U); }

/// The memory limit of our control group. UINT64_MAX if there is none.
std::uint64_t group_limit() {
  for (const char* path : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::uint64_t bytes = 0;
    if (std::ifstream(path) >> bytes) return bytes;
  }
  return UINT64_MAX;
}

Finding judge_descriptors(const MachineFacts& facts, const Needs& needs) {
  const std::size_t most = connections_within(facts.descriptors, needs.listeners);
  const std::string found = fmt::format("{} files may be open, so each listener takes {} connections",
                                        facts.descriptors, std::min<std::uint64_t>(most, needs.connections));
  if (most >= needs.connections || !needs.asked_for) return {"open files", found};
  return {"open files", found,
          fmt::format("the server takes fewer connections than --max-connections {}", needs.connections),
          "raise the limit (LimitNOFILE in a unit, ulimit -Hn), or lower --max-connections"};
}

Finding judge_memory(const MachineFacts& facts, const Needs& needs) {
  const std::uint64_t connections =
      std::min<std::uint64_t>(needs.connections, connections_within(facts.descriptors, needs.listeners));
  const std::uint64_t needed = needs.memory + kProcess + needs.listeners * connections * kConnection;
  const std::string found =
      fmt::format("there is {}, and the configured limits add up to {}", mebibytes(facts.memory), mebibytes(needed));
  if (needed <= facts.memory / 10 * 9) return {"memory", found};
  return {"memory", found, "under load the kernel may kill the server before it answers `overloaded`",
          "lower --store-memory, --max-memory or --max-connections, or add memory"};
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

std::size_t connections_within(std::uint64_t descriptors, std::size_t listeners) {
  const std::uint64_t others = std::min(kOtherDescriptors, descriptors / 2);
  return std::max<std::size_t>((descriptors - others) / std::max<std::size_t>(listeners, 1), 1);
}

Findings judge_machine(const MachineFacts& facts, const Needs& needs) {
  return {judge_descriptors(facts, needs), judge_memory(facts, needs)};
}

}  // namespace parley::doctor
