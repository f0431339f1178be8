// A page of a user's events, read from a store: all that happened in the user's chats and that a cursor has not told
// yet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/task.h"
#include "chat/events_page.h"
#include "store/message_store.h"

namespace parley::service {

/// What a page is asked for.
struct EventsQuery {
  std::string user;
  EventsCursor cursor;       ///< has a number for each of the store's lanes
  std::int32_t backlog = 0;  ///< of a chat that missed more messages, only so many are told, after a gap; 0: all; up to
                             ///< kMaxBacklog: more is taken for that
  EventsBounds bounds{};
};

/// A cursor from which all is told that happens from now on. What was acknowledged before is not.
[[nodiscard]] Task<EventsCursor> begin_events(store::MessageStore& store, Deadline deadline);

/// The next page. A chain of such cursors tells every durable record of the user's chats once and in the chat's order,
/// or it lies in a gap. Two pages may be made from one cursor; go on with one of them. The page is empty if there is
/// nothing new. It has at least one event if there is any up to the clock that the store knows to be confirmed.
/// Errors are those of the store; and kInternal if the index names what is no chat.
[[nodiscard]] Task<EventsPage> read_events(store::MessageStore& store, EventsQuery query, Deadline deadline);

/// The same of all that happens in a lane, whoever's it is, for those who follow the whole store: a lane after the
/// other, each with a number of its own, which is 0 at the beginning. Of the page's cursor, only this lane's number
/// counts, and the others stay as they are.
[[nodiscard]] Task<EventsPage> read_lane(store::MessageStore& store, std::size_t lane, EventsCursor cursor,
                                         EventsBounds bounds, Deadline deadline);

}  // namespace parley::service
