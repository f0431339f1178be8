#include "chat/events_page.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "chat/message_body.h"

namespace parley {
namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

}  // namespace

bool is_inside(const MemberSpans& spans, std::int64_t time) noexcept {
  return std::ranges::any_of(spans, [time](const MemberSpan& span) { return span.from <= time && time <= span.to; });
}

std::optional<std::int64_t> first_inside(const MemberSpans& spans, std::int64_t number) noexcept {
  for (const MemberSpan& span : spans) {
    if (span.to > number) return std::max(span.from, number + 1);
  }
  return std::nullopt;
}

EventsPageMaker::EventsPageMaker(EventsCursor cursor, std::vector<std::int64_t> clocks, std::int32_t backlog,
                                 EventsBounds bounds)
    : cursor_(std::move(cursor)), clocks_(std::move(clocks)), bounds_(bounds), cuts_(clocks_.size(), kNever) {
  backlog = std::clamp(backlog, 0, kMaxBacklog);
  // While pages are cut, what was asked for before counts too: a gap that was told must not be undone.
  if (cursor_.backlog == 0 || (backlog != 0 && backlog < cursor_.backlog)) cursor_.backlog = backlog;
}

std::optional<std::int64_t> EventsPageMaker::least_row(std::int64_t grain) const noexcept {
  std::optional<std::int64_t> least;
  for (std::size_t lane = 0; lane < clocks_.size(); ++lane) {
    if (clocks_[lane] > number(lane)) least = std::min(least.value_or(kNever), number(lane) - grain);
  }
  return least;
}

bool EventsPageMaker::is_candidate(std::size_t lane, std::int64_t row, std::int64_t grain) const noexcept {
  return clocks_[lane] > number(lane) && row >= number(lane) - grain;
}

std::int64_t EventsPageMaker::cut_at(std::size_t lane) const noexcept {
  return cuts_[lane] == kNever ? 0 : cuts_[lane];
}

bool EventsPageMaker::was_cut(const ChatPart& part) const noexcept {
  return part.has_more && !part.records.empty() && part.records.back().time < clocks_[part.lane];
}

bool EventsPageMaker::needs_count(const ChatPart& part) const noexcept { return backlog() != 0 && was_cut(part); }

void EventsPageMaker::add(ChatPart part) {
  const std::int64_t top = clocks_[part.lane];
  const bool was_cut_short = was_cut(part);
  const std::int64_t end = part.records.empty() ? 0 : part.records.back().time + 1;
  std::erase_if(part.records, [&](const Record& record) {
    if (record.time <= number(part.lane) || !is_inside(part.spans, record.time)) return true;
    if (record.time <= top) return false;
    seen_beyond_ = true;  // the clock may be an older one than the record's
    return true;
  });
  if (backlog() != 0 && !part.gap && !was_cut_short) {
    auto left = static_cast<std::int64_t>(backlog());
    const auto is_too_old = [&](const Record& record) { return record.kind == RecordKind::kMessage && left-- == 0; };
    const auto last_left_out = std::ranges::find_if(part.records.rbegin(), part.records.rend(), is_too_old);
    if (last_left_out != part.records.rend()) part.gap = last_left_out->time;
  }
  if (part.gap) {
    std::erase_if(part.records, [&](const Record& record) { return record.time <= *part.gap; });
    if (*part.gap < cuts_[part.lane]) told_.push_back({part.lane, 0, {part.chat, *part.gap, std::nullopt}});
  }
  for (Record& record : part.records) {
    if (record.time >= cuts_[part.lane]) break;
    const std::size_t bytes = page_bytes(record.kind, record.body);
    bytes_ += bytes;
    const std::int64_t time = record.time;
    told_.push_back({part.lane, bytes, {part.chat, time, std::move(record)}});
  }
  if (was_cut_short) cut(part.lane, end);
  if (told_.size() > bounds_.limit || bytes_ > bounds_.max_bytes) keep_bounds();
}

void EventsPageMaker::cut(std::size_t lane, std::int64_t time) {
  if (time >= cuts_[lane]) return;
  cuts_[lane] = time;
  std::erase_if(told_, [&](const Told& one) {
    const bool gone = one.lane == lane && one.event.time >= time;
    if (gone) bytes_ -= one.bytes;
    return gone;
  });
}

void EventsPageMaker::keep_bounds() {
  std::ranges::sort(told_, {}, [](const Told& one) { return std::tuple(one.event.time, one.lane); });
  std::size_t kept = 0;
  std::size_t bytes = 0;
  for (; kept < told_.size() && kept < bounds_.limit; ++kept) {
    bytes += told_[kept].bytes;
    if (kept > 0 && bytes > bounds_.max_bytes) break;
  }
  while (kept < told_.size()) {  // each cut takes away what is left of a lane
    const std::size_t lane = told_[kept].lane;
    cut(lane, told_[kept].event.time);
  }
}

EventsPage EventsPageMaker::finish() && {
  keep_bounds();
  EventsPage page;
  std::vector<std::int64_t> last = cursor_.numbers;
  page.events.reserve(told_.size());
  for (Told& one : told_) {
    last[one.lane] = one.event.time;
    page.events.push_back(std::move(one.event));
  }
  bool is_cut = false;
  for (std::size_t lane = 0; lane < clocks_.size(); ++lane) {
    is_cut = is_cut || cuts_[lane] != kNever;
    // A lane that was cut stands at its last told event. No number ever falls, whatever clock was read.
    page.cursor.numbers.push_back(cuts_[lane] != kNever ? last[lane] : std::max(cursor_.numbers[lane], clocks_[lane]));
  }
  page.cursor.backlog = is_cut ? cursor_.backlog : 0;
  page.caught_up = !is_cut && !seen_beyond_;
  return page;
}

}  // namespace parley
