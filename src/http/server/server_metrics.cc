#include "http/server/server_metrics.h"

namespace parley::http {

net::ServerMetrics::Kind metrics_of(std::string listener, const Router& router) {
  net::ServerMetrics::Kind kind{.prefix = "parley_http",
                                .labels = {{"listener", std::move(listener)}},
                                .call_label = "route",
                                .outcome_label = "status"};
  for (std::size_t i = 0; i < router.size(); ++i) kind.calls.emplace_back(router[i].path);
  kind.calls.emplace_back("other");
  for (const int status : kStatuses) kind.outcomes.push_back(status == 0 ? "other" : std::to_string(status));
  return kind;
}

}  // namespace parley::http
