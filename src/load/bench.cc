#include "load/bench.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include <fmt/format.h>

#include "cli/output.h"
#include "load/plot.h"
#include "load/report.h"
#include "load/search.h"

namespace parley::load {
namespace {

bool write_file(const std::string& path, const std::string& text) {
  if (path.empty()) return true;
  std::ofstream file(path, std::ios::binary);
  if (file << text << std::flush) return true;
  cli::print_error(fmt::format("cannot write {}: {}", path, std::strerror(errno)));
  return false;
}

void search(Report& report, const Target& target) {
  const BenchCommand& command = report.command;
  RateSearch search(command.plan.rate);
  while (const auto rate = search.next()) {
    Plan plan = command.plan;
    plan.rate = *rate;
    Trial trial = run_trial(plan, target, report.interrupted);
    report.verdict.merge(trial.verdict);
    if (report.interrupted) break;  // this one says nothing of its rate
    const LatencyHistogram latencies = trial.measured.all();
    const std::uint64_t errors = trial.measured.error_count();
    const bool held = errors == 0 && latencies.count() > 0 && latencies.at(0.99) <= command.p99;
    report.attempts.push_back({*rate, held, trial.reached(), errors, latencies.at(0.99)});
    if (held || !search.best()) report.trial = std::move(trial);
    search.tell(held);
  }
}

}  // namespace

int run(const BenchCommand& command) {
  const auto target = find_target(command.plan);
  if (!target) {
    cli::print_error(target.error());
    return 1;
  }
  Report report{.command = command, .durability = target->durability};
  if (command.search) {
    search(report, *target);
  } else {
    report.trial = run_trial(command.plan, *target, report.interrupted);
    report.verdict = report.trial.verdict;
  }
  const bool written = cli::write_output(command.json ? to_json(report) : to_text(report)) &&
                       write_file(command.csv, to_csv(report.trial.timeline)) &&
                       write_file(command.plot, to_svg(report.trial));
  return written && report.good() ? 0 : 1;
}

}  // namespace parley::load
