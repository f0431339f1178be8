#include "doctor/finding.h"

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/quote.h"

namespace parley::doctor {

bool all_good(const Findings& findings) { return std::ranges::all_of(findings, &Finding::good); }

std::string to_text(const Findings& findings) {
  std::string out;
  for (const Finding& finding : findings) {
    out += fmt::format("{:8}{}: {}\n", finding.good() ? "ok" : "PROBLEM", escape_controls(finding.subject),
                       escape_controls(finding.found));
    if (finding.good()) continue;
    out += fmt::format("        effect: {}\n        fix: {}\n", finding.effect, finding.fix);
  }
  const auto problems = std::ranges::count_if(findings, [](const Finding& finding) { return !finding.good(); });
  return out + (problems == 0 ? std::string("all is well\n")
                              : fmt::format("{} of {} checks found a problem\n", problems, findings.size()));
}

std::string to_json(const Findings& findings) {
  boost::json::array items;
  for (const Finding& finding : findings) {
    items.push_back(boost::json::object{{"subject", finding.subject},
                                        {"found", finding.found},
                                        {"good", finding.good()},
                                        {"effect", finding.effect},
                                        {"fix", finding.fix}});
  }
  return boost::json::serialize(boost::json::object{{"good", all_good(findings)}, {"findings", std::move(items)}}) +
         "\n";
}

}  // namespace parley::doctor
