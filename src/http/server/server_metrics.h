// What an HTTP listener tells apart when it counts requests: their routes and the statuses of their answers.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <utility>

#include "base/error.h"
#include "http/server/router.h"
#include "net/server_metrics.h"

namespace parley::http {

/// The statuses that are told apart: of success, and those of the error table, once each. Any other is the last, 0.
inline constexpr auto kStatuses = [] {
  constexpr auto kSorted = [] {
    std::array<int, 2 + 2 * kErrorTable.size()> all = {200, 204};
    auto* next = all.data() + 2;
    for (const ErrorInfo& row : kErrorTable) {
      *next++ = row.http_status;
      *next++ = row.template_status;
    }
    std::ranges::sort(all);
    const auto rest = std::ranges::unique(all);
    return std::pair(all, all.size() - rest.size());
  }();
  std::array<int, kSorted.second + 1> out{};
  std::ranges::copy_n(kSorted.first.begin(), kSorted.second, out.begin());
  return out;
}();

/// Where `status` is in kStatuses.
[[nodiscard]] constexpr std::size_t place_of(int status) noexcept {
  const auto* const found = std::ranges::find(kStatuses, status);
  return std::min(static_cast<std::size_t>(found - kStatuses.begin()), kStatuses.size() - 1);
}

/// `listener` counts by route, in the order of `router`, and by status, as place_of() says. One more route is for
/// requests that have none, or could not be read.
[[nodiscard]] net::ServerMetrics::Kind metrics_of(std::string listener, const Router& router);

}  // namespace parley::http
