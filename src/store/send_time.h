// Which time a message gets.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "chat/message.h"

namespace parley::store {

/// What the clock counts for: outside kMinSendTime to kMaxSendTime it is broken and does not count, so that a glitch
/// cannot use up the times to come.
[[nodiscard]] inline std::int64_t counted_clock(std::int64_t now) noexcept {
  return now > kMaxSendTime ? kMinSendTime : std::max(now, kMinSendTime);
}

/// The time of a store's next message: the clock's, as it counts, or one more than `last` where the clock is not past
/// it. Nothing when they are used up. Of `count` records that are stored together it is the first one's: the others'
/// are the next ones.
[[nodiscard]] inline std::optional<std::int64_t> next_send_time(std::int64_t now, std::int64_t last,
                                                                std::size_t count = 1) noexcept {
  const std::int64_t greatest = kMaxSendTime - static_cast<std::int64_t>(count) + 1;
  if (last >= greatest) return std::nullopt;
  const std::int64_t least = std::max(last + 1, kMinSendTime);
  return now > greatest ? least : std::max(now, least);
}

}  // namespace parley::store
