#include "redis/refusal.h"

#include <algorithm>
#include <cstdint>

#include "base/parse_number.h"

namespace parley::redis {

std::optional<Refusal> refusal_of(std::string_view error, bool of_script) noexcept {
  const auto found = std::ranges::find(kRefusalCodes, error.substr(0, error.find(' ')));
  if (found == kRefusalCodes.end()) return std::nullopt;
  const auto refusal = static_cast<Refusal>(found - kRefusalCodes.begin());
  if (of_script && refusal == Refusal::kNoPermission) return std::nullopt;
  return refusal;
}

bool passes_by_itself(Refusal refusal) noexcept {
  switch (refusal) {
    case Refusal::kMoved:
    case Refusal::kAsk:
    case Refusal::kTryAgain:
    case Refusal::kLoading:
    case Refusal::kReadOnly:
    case Refusal::kMasterDown:
    case Refusal::kClusterDown:
    case Refusal::kBusy: return true;
    case Refusal::kNoScript:
    case Refusal::kNoReplicas:
    case Refusal::kOutOfMemory:
    case Refusal::kMisconfigured:
    case Refusal::kNoAuth:
    case Refusal::kNoPermission:
    case Refusal::kWrongPassword: return false;
  }
  return false;
}

std::optional<net::Endpoint> target_of(std::string_view error) {
  const auto space = error.rfind(' ');
  const auto colon = error.rfind(':');
  if (space == std::string_view::npos || colon == std::string_view::npos || colon < space) return std::nullopt;
  const auto port = parse_number<std::uint16_t>(error.substr(colon + 1));
  if (!port || *port == 0) return std::nullopt;
  net::Endpoint target{.host = std::string(error.substr(space + 1, colon - space - 1)), .port = *port};
  if (target.host == "?") target.host.clear();
  return target;
}

}  // namespace parley::redis
