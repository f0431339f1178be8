// Making a page of events: what a user's chats have that a cursor has not told yet, and where it stands then.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "chat/events_cursor.h"
#include "chat/record.h"

namespace parley {

/// One thing that a page tells.
struct ChatEvent {
  std::string chat;
  std::int64_t time = 0;           ///< the record's; a gap's is its end
  std::optional<Record> record{};  ///< none: a gap, which stands for all of the chat up to `time` that was not told

  friend bool operator==(const ChatEvent&, const ChatEvent&) = default;
};

struct EventsPage {
  std::vector<ChatEvent> events;  ///< by time; those of a chat are in its order
  EventsCursor cursor;            ///< where to go on from after all of them
  bool caught_up = false;         ///< nothing is left that was seen while the page was made

  friend bool operator==(const EventsPage&, const EventsPage&) = default;
};

struct EventsBounds {
  std::size_t limit = 100;  ///< of events, at least 1
  std::size_t max_bytes =
      std::size_t{1} << 20;  ///< page_bytes() of all records; the first one is told whatever its size
};

/// A time during which the user is in a chat. Both ends belong to it.
struct MemberSpan {
  std::int64_t from = 0;
  std::int64_t to = std::numeric_limits<std::int64_t>::max();
};
using MemberSpans = std::vector<MemberSpan>;  ///< in order, and apart

[[nodiscard]] bool is_inside(const MemberSpans& spans, std::int64_t time) noexcept;

/// The first time after `number` at which the user is in the chat. Nothing if there is none.
[[nodiscard]] std::optional<std::int64_t> first_inside(const MemberSpans& spans, std::int64_t number) noexcept;

/// What was read of a chat.
struct ChatPart {
  std::string chat;
  std::size_t lane = 0;
  MemberSpans spans;            ///< the user's, as they were before the records were read
  std::vector<Record> records;  ///< in order, all kinds, without a hole: from the gap's end, or else first_inside(), on
  bool has_more = false;        ///< whether there are more of them before cut_at(), as it was before they were read
  std::optional<std::int64_t> gap{};  ///< where a gap ends that was counted; see needs_count()
};

/// Puts a page together. First the clocks of all lanes are read, then the user's index, then the spans, then the
/// records of each candidate. No other order is right. A record that is missed by it comes above the clock.
class EventsPageMaker {
 public:
  /// `clocks` has a confirmed clock of each lane of the cursor, and the newest ones if the cursor holds a backlog.
  /// `backlog`: of a chat that missed more messages, only so many are told, after a gap; 0: all. At most kMaxBacklog
  /// count, and less than none is none.
  EventsPageMaker(EventsCursor cursor, std::vector<std::int64_t> clocks, std::int32_t backlog, EventsBounds bounds);

  /// Index rows of at least this time are worth a look. Nothing if there is nothing new in any lane. `grain`: how far
  /// below a record its row may lie.
  [[nodiscard]] std::optional<std::int64_t> least_row(std::int64_t grain) const noexcept;
  /// Whether a chat with such a row may have something new.
  [[nodiscard]] bool is_candidate(std::size_t lane, std::int64_t row, std::int64_t grain) const noexcept;

  /// All up to here was told.
  [[nodiscard]] std::int64_t number(std::size_t lane) const noexcept { return cursor_.numbers[lane]; }
  /// Nothing above this is told.
  [[nodiscard]] std::int64_t clock(std::size_t lane) const noexcept { return clocks_[lane]; }
  /// From here on nothing of the lane is told in this page, which only falls while chats are added; 0: not known yet.
  [[nodiscard]] std::int64_t cut_at(std::size_t lane) const noexcept;
  /// The smallest backlog that counts; 0: none does.
  [[nodiscard]] std::int32_t backlog() const noexcept { return cursor_.backlog; }
  [[nodiscard]] const EventsBounds& bounds() const noexcept { return bounds_; }

  /// Whether the records of `part` are too few to say where its gap ends, or that it has none. Then its newest messages
  /// have to be counted down from clock(): the gap ends at the one after backlog() that are inside the spans, if that
  /// is above number(). The records go on from there.
  [[nodiscard]] bool needs_count(const ChatPart& part) const noexcept;

  /// Takes one chat in. Each chat once, in any order. What surely has no place in the page is not kept.
  void add(ChatPart part);

  [[nodiscard]] EventsPage finish() &&;

 private:
  struct Told {
    std::size_t lane;
    std::size_t bytes;
    ChatEvent event;
  };

  /// Whether records up to the clock may have been left out of `part`.
  [[nodiscard]] bool was_cut(const ChatPart& part) const noexcept;
  /// From `time` on, nothing of the lane is told in this page.
  void cut(std::size_t lane, std::int64_t time);
  /// Brings the events in order, and takes away what is beyond the bounds.
  void keep_bounds();

  EventsCursor cursor_;
  std::vector<std::int64_t> clocks_;
  EventsBounds bounds_;
  std::vector<std::int64_t> cuts_;  // of each lane
  std::vector<Told> told_;
  std::size_t bytes_ = 0;
  bool seen_beyond_ = false;  // a record above the clock
};

}  // namespace parley
