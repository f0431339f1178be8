#include "load/report.h"

#include <algorithm>
#include <cmath>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/quote.h"
#include "base/units.h"
#include "load/progress.h"

namespace parley::load {
namespace {

namespace json = boost::json;

std::int64_t microseconds(LatencyHistogram::Duration latency) {
  return std::chrono::round<std::chrono::microseconds>(latency).count();
}

std::string rounded(double rate) { return thousands(static_cast<std::uint64_t>(std::llround(rate))); }

bool held(const Report& report) {
  return std::ranges::any_of(report.attempts, [](const Attempt& attempt) { return attempt.held; });
}

std::string headline(const Report& report) {
  const Plan& plan = report.command.plan;
  std::string mix;
  for (std::size_t i = 0; i < kKindNames.size(); ++i) {
    if (plan.mix[i] > 0) mix += fmt::format("{}{} {}", mix.empty() ? "" : ", ", plan.mix[i], kKindNames[i]);
  }
  const std::string arrivals = report.trial.rate > 0 ? rounded(report.trial.rate) + "/s at random times (open loop)"
                                                     : std::string("each connection as fast as it can (closed loop)");
  const std::string chats = plan.zipf > 0 ? fmt::format("by Zipf's law ({})", plan.zipf) : "in turn";
  return fmt::format("http://{}{}: {}, {} connections, {}, {} chats {}, texts of {}{}\n", plan.url.authority,
                     plan.url.base, mix, plan.connections, arrivals, thousands(plan.chats), chats,
                     format_size(plan.text_bytes), plan.keyed ? ", with keys" : "");
}

std::string row(std::string_view name, const LatencyHistogram& latencies) {
  std::string out = fmt::format("{:10}{:>12}", name, thousands(latencies.count()));
  for (const auto& [label, share] : kPercentiles) out += fmt::format("{:>11}", milliseconds(latencies.at(share)));
  return out + fmt::format("{:>11}\n", milliseconds(latencies.max()));
}

std::string latencies(const Measured& measured) {
  std::string out = fmt::format("{:10}{:>12}", "", "requests");
  for (const auto& [label, share] : kPercentiles) out += fmt::format("{:>11}", label);
  out += fmt::format("{:>11}\n", "max");
  for (std::size_t i = 0; i < kKindNames.size(); ++i) {
    if (measured.latencies[i].count() > 0) out += row(kKindNames[i], measured.latencies[i]);
  }
  return out;
}

std::string failures(const Measured& measured) {
  std::string out;
  for (const auto& [what, count] : measured.errors) {
    out += fmt::format("{}{} {}", out.empty() ? "errors: " : ", ", thousands(count), escape_controls(what));
  }
  if (!out.empty()) out += '\n';
  if (measured.no_chat > 0)
    out += fmt::format("{} pulls named a chat that has no message yet\n", thousands(measured.no_chat));
  return out;
}

std::string checks(const Report& report) {
  const Verdict& verdict = report.verdict;
  std::string out;
  for (const auto& [what, count] : verdict.violations()) {
    out += fmt::format("BROKEN PROMISE: {} {}\n", thousands(count), what);
  }
  if (verdict.unread > 0) {
    out += fmt::format("NOT VERIFIED: {} of {} acknowledged sends, in {} chats that could not be read back\n",
                       thousands(verdict.unverified), thousands(verdict.acknowledged), thousands(verdict.unread));
    if (verdict.chats == verdict.unread) return out;
  }
  if (!report.command.plan.verify) {
    return out + fmt::format("not read back: {} acknowledged sends\n", thousands(verdict.acknowledged));
  }
  const std::string where = report.attempts.empty() ? fmt::format("{} chats", thousands(verdict.chats - verdict.unread))
                                                    : fmt::format("{} trials", report.attempts.size());
  out += fmt::format("read back: {} acknowledged sends in {}", thousands(verdict.acknowledged - verdict.unverified),
                     where);
  if (verdict.violations().empty()) out += ", and each is there once, unchanged and in order";
  if (verdict.unknown > 0) {
    out += fmt::format(", and of {} with an unknown outcome {} are there", thousands(verdict.unknown),
                       thousands(verdict.unknown_stored));
  }
  return out + "\n";
}

std::string attempts(const Report& report) {
  std::string out;
  for (const Attempt& attempt : report.attempts) {
    out += fmt::format("{:>12}/s  p99 {:>11}, {} errors: {}\n", rounded(attempt.rate), milliseconds(attempt.p99),
                       thousands(attempt.errors), attempt.held ? "holds" : "does not hold");
  }
  if (report.attempts.empty()) return out;
  const std::string target = format_duration(report.command.p99);
  return out + (held(report)
                    ? fmt::format("the highest rate that holds a p99 of {}: {}/s\n", target, rounded(report.trial.rate))
                    : fmt::format("no rate holds a p99 of {}\n", target));
}

json::object percentiles(const LatencyHistogram& latencies) {
  json::object out{{"requests", latencies.count()}, {"mean_us", microseconds(latencies.mean())}};
  for (const auto& [label, share] : kPercentiles) {
    std::string name(label);
    std::erase(name, '.');
    out[name + "_us"] = microseconds(latencies.at(share));
  }
  out["max_us"] = microseconds(latencies.max());
  return out;
}

}  // namespace

bool Report::good() const {
  const bool found = attempts.empty() || held(*this);
  return verdict.violations().empty() && verdict.unread == 0 && found &&
         trial.measured.all().count() > trial.measured.error_count();
}

std::string to_text(const Report& report) {
  const Trial& trial = report.trial;
  const std::string durability =
      report.durability.empty() ? "the server does not say" : escape_controls(report.durability);
  return headline(report) + "durability: " + durability + "\n" + attempts(report) +
         fmt::format("{}/s in {:.1f} s{}\n", rounded(trial.reached()), trial.seconds,
                     report.interrupted ? ", interrupted" : "") +
         latencies(trial.measured) + failures(trial.measured) + checks(report);
}

std::string to_json(const Report& report) {
  const Trial& trial = report.trial;
  json::object out = percentiles(trial.measured.all());
  out["errors"] = trial.measured.error_count();
  out["rate"] = trial.rate;
  out["reached"] = trial.reached();
  out["seconds"] = trial.seconds;
  out["durability"] = report.durability;
  out["connections"] = report.command.plan.connections;
  json::object kinds;
  for (std::size_t i = 0; i < kKindNames.size(); ++i) {
    if (trial.measured.latencies[i].count() > 0) kinds[kKindNames[i]] = percentiles(trial.measured.latencies[i]);
  }
  out["kinds"] = std::move(kinds);
  json::object errors;
  for (const auto& [what, count] : trial.measured.errors) errors[what] = count;
  out["errors_by_code"] = std::move(errors);
  out["no_chat"] = trial.measured.no_chat;
  json::object violations;
  for (const auto& [what, count] : report.verdict.violations()) violations[what] = count;
  out["verified"] = report.command.plan.verify && report.verdict.unread == 0;
  out["acknowledged"] = report.verdict.acknowledged;
  out["unverified"] = report.verdict.unverified;
  out["unread_chats"] = report.verdict.unread;
  out["unknown"] = report.verdict.unknown;
  out["violations"] = std::move(violations);
  out["interrupted"] = report.interrupted;
  json::array attempts;
  for (const Attempt& attempt : report.attempts) {
    attempts.push_back(json::object{{"rate", attempt.rate},
                                    {"held", attempt.held},
                                    {"reached", attempt.reached},
                                    {"errors", attempt.errors},
                                    {"p99_us", microseconds(attempt.p99)}});
  }
  out["attempts"] = std::move(attempts);
  return json::serialize(out) + "\n";
}

std::string to_csv(const std::vector<Second>& timeline) {
  std::string out = "second,requests,errors,p50_us,p99_us,max_us\n";
  for (const Second& second : timeline) {
    out += fmt::format("{},{},{},{},{},{}\n", second.number, second.requests, second.errors, microseconds(second.p50),
                       microseconds(second.p99), microseconds(second.max));
  }
  return out;
}

}  // namespace parley::load
