#include "rpc/server/server_metrics.h"

#include <utility>

namespace parley::rpc {

net::ServerMetrics::Kind rpc_metrics(std::vector<std::string> methods) {
  net::ServerMetrics::Kind kind{.prefix = "parley_rpc",
                                .call_label = "method",
                                .calls = std::move(methods),
                                .outcome_label = "code",
                                .outcomes = {"success"},
                                .shows_in_flight = true};
  for (const ErrorInfo& row : kErrorTable) kind.outcomes.emplace_back(row.name);
  kind.outcomes.emplace_back("exception");
  return kind;
}

}  // namespace parley::rpc
