#include "load/bench.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/output.h"
#include "load/plot.h"
#include "load/report.h"
#include "load/search.h"

namespace parley::load {
namespace {

/// A file for what comes out of the run. It is opened before, so that a bad path is told before minutes of load, and
/// replaced only after. Both say whether it went well, or where there is no path; a failure is printed.
class OutputFile {
 public:
  explicit OutputFile(const std::string& path) : path_(path) {}

  bool open() {
    if (path_.empty()) return true;
    file_.open(path_, std::ios::binary | std::ios::app);
    return file_.is_open() || failed();
  }

  bool write(const std::string& text) {
    if (path_.empty()) return true;
    std::error_code no_regular_file;
    std::filesystem::resize_file(path_, 0, no_regular_file);
    return file_ << text << std::flush || failed();
  }

 private:
  [[nodiscard]] bool failed() const {
    print_error(fmt::format("cannot write {}: {}", path_, std::strerror(errno)));
    return false;
  }

  const std::string& path_;
  std::ofstream file_;
};

void search(Report& report, const Target& target, const Interrupt& interrupt) {
  const BenchCommand& command = report.command;
  RateSearch search(command.plan.rate);
  while (const auto rate = search.next()) {
    Plan plan = command.plan;
    plan.rate = *rate;
    Trial trial = run_trial(plan, target, interrupt);
    report.verdict.merge(trial.verdict);
    if (interrupt.came() || trial.verdict.unread > 0) break;  // this one says nothing of its rate
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
    print_error(target.error());
    return 1;
  }
  OutputFile csv(command.csv);
  OutputFile plot(command.plot);
  if (!csv.open() || !plot.open()) return 1;
  Report report{.command = command, .durability = target->durability};
  const Interrupt interrupt;
  if (command.search) {
    search(report, *target, interrupt);
  } else {
    report.trial = run_trial(command.plan, *target, interrupt);
    report.verdict = report.trial.verdict;
  }
  report.interrupted = interrupt.came();
  // Each, whatever became of the others.
  const bool told = write_output(command.json ? to_json(report) : to_text(report));
  const bool listed = csv.write(to_csv(report.trial.timeline));
  const bool drawn = plot.write(to_svg(report.trial));
  return told && listed && drawn && report.good() ? 0 : 1;
}

}  // namespace parley::load
