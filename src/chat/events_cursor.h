// The cursor of a user's events: up to where everything was told, in each lane of the store.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace parley {

inline constexpr std::size_t kMaxLanes = 64;
inline constexpr std::int32_t kMaxBacklog = 1000;           ///< messages of a chat
inline constexpr std::size_t kMaxEventsCursorBytes = 2048;  ///< of the text

/// Number N of a lane means: of every chat of the user in this lane, all up to N was told, and nothing later.
struct EventsCursor {
  std::vector<std::int64_t> numbers;  ///< for each lane a time, 0 to kMaxSendTime
  /// The smallest backlog that was asked for since pages are cut, up to kMaxBacklog; 0: none was, or the last page was
  /// not cut.
  std::int32_t backlog = 0;

  friend bool operator==(const EventsCursor&, const EventsCursor&) = default;
};

/// Opaque text of at most kMaxEventsCursorBytes, safe in a URL, for this user and store alone. The cursor has 1 to
/// kMaxLanes lanes, the store's id at most 64 bytes, and the user is a member's name.
[[nodiscard]] std::string write_events_cursor(const EventsCursor& cursor, std::string_view store_id,
                                              std::string_view user);

/// kInvalidCursor if the text is not such a cursor. kCursorGone if it is one of another store, of another user, or of
/// another number of lanes. It only tells where to go on from, and gives no right.
[[nodiscard]] Result<EventsCursor> read_events_cursor(std::string_view text, std::string_view store_id,
                                                      std::string_view user, std::size_t lanes);

}  // namespace parley
