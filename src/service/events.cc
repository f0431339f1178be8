#include "service/events.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include "base/task_group.h"
#include "chat/chat_id.h"

namespace parley::service {
namespace {

constexpr std::size_t kReadBytes = std::size_t{16} << 10;  // of one chat at a time, or more if few are read
constexpr std::size_t kReadsInTurn = 64;                   // after about so many others have the loop for a turn

/// A page that is being made.
struct Making {
  store::MessageStore& store;
  EventsPageMaker maker;
  Deadline deadline;
  std::vector<std::string> candidates{};
  std::size_t at_once = 1;
  std::size_t read_bytes = kReadBytes;
  std::size_t next = 0;  // of the candidates
  Result<void> outcome{};
};

/// All records up to the clock are in pairs: a member of a pair always was one.
MemberSpans always() { return {MemberSpan{}}; }

/// The chats to look at, and their order: that of their rows, so that the page soon has its first events. One page of
/// the index has all but those of the longest absences. Those are read from the oldest row on, since what rises
/// meanwhile comes later, and again. What a failover lowers meanwhile would be missed.
Task<std::vector<std::string>> find_candidates(Making& making, std::string user) {
  const auto least = making.maker.least_row(store::kIndexGrain);
  if (!least) co_return std::vector<std::string>{};
  const store::IndexRange all{.least = *least, .after = {}, .limit = store::kMaxIndexRows, .oldest_first = true};
  std::vector<std::string> found;
  std::set<std::string> seen;  // if there are several pages
  store::IndexRange range = all;
  std::optional<std::uint64_t> age;
  for (bool has_more = true; has_more;) {
    auto page = co_await making.store.index(user, range, making.deadline);
    if (!page) co_return std::unexpected(std::move(page).error());
    if (age.value_or(page->age) != page->age) {
      range = all;
      age = std::nullopt;
      continue;
    }
    if (!age) {
      found.clear();
      seen.clear();
    }
    age = page->age;
    has_more = page->has_more && !page->rows.empty();
    if (has_more) range.after = page->rows.back();
    const bool is_only = !has_more && found.empty();
    for (store::IndexRow& row : page->rows) {
      const std::size_t lane = making.store.lane_of(row.chat);
      if (!making.maker.is_candidate(lane, row.time, store::kIndexGrain)) continue;
      if (is_only || seen.insert(row.chat).second) found.push_back(std::move(row.chat));
    }
  }
  co_return found;
}

/// The next records of a chat, of all kinds, before `end` if it is not 0. A chat that the index knows may have none
/// yet.
Task<store::RecordPage> read_from(Making& making, const ChatId& chat, std::int64_t from, std::int64_t end) {
  const EventsBounds& bounds = making.maker.bounds();
  const PageRange range{.cursor = from,
                        .limit = static_cast<std::int32_t>(std::min<std::size_t>(bounds.limit, kMaxPullLimit)),
                        .reverse = false,
                        .max_bytes = std::min(bounds.max_bytes, making.read_bytes)};
  auto page = co_await making.store.read(chat, {.page = range, .all_kinds = true, .end = end}, making.deadline);
  if (!page && page.error().code == ErrorCode::kChatNotFound) co_return store::RecordPage{};
  co_return page;
}

/// Where the gap ends that a long absence needs. Nothing if the chat has no more messages than the backlog.
Task<std::optional<std::int64_t>> count_down(Making& making, const ChatId& chat, const ChatPart& part) {
  const std::int64_t number = making.maker.number(part.lane);
  auto left = static_cast<std::int64_t>(making.maker.backlog());
  std::int64_t from = making.maker.clock(part.lane);
  while (true) {
    const PageRange range{.cursor = from, .limit = kMaxPullLimit, .reverse = true, .max_bytes = kReadBytes};
    const auto page =
        co_await making.store.read(chat, {.page = range, .all_kinds = false, .end = number}, making.deadline);
    if (!page) co_return std::unexpected(page.error());
    for (const Record& record : page->records) {
      if (!is_inside(part.spans, record.time)) continue;
      if (left-- == 0) co_return record.time;
    }
    if (!page->has_more || page->records.empty()) co_return std::nullopt;
    from = page->records.back().time - 1;
  }
}

Task<ChatPart> read_part(Making& making, const ChatId& chat) {
  ChatPart part{.chat = chat.name(), .lane = making.store.lane_of(chat.name()), .spans = always(), .records = {}};
  const auto from = first_inside(part.spans, making.maker.number(part.lane));
  const std::int64_t cut = making.maker.cut_at(part.lane);
  if (!from || (cut != 0 && *from >= cut)) co_return part;
  auto page = co_await read_from(making, chat, *from, cut);
  // A gap is counted from the clock on, whatever this page can still tell of it.
  if (page && cut != 0 && making.maker.backlog() != 0 && !page->records.empty()) {
    page = co_await read_from(making, chat, *from, 0);
  }
  if (!page) co_return std::unexpected(std::move(page).error());
  part.records = std::move(page->records).take();
  part.has_more = page->has_more;
  if (!making.maker.needs_count(part)) co_return part;
  const auto gap = co_await count_down(making, chat, part);
  if (!gap) co_return std::unexpected(gap.error());
  part.gap = *gap;
  if (!part.gap) co_return part;
  page = co_await read_from(making, chat, *part.gap + 1, 0);
  if (!page) co_return std::unexpected(std::move(page).error());
  part.records = std::move(page->records).take();
  part.has_more = page->has_more;
  co_return part;
}

/// Reads one candidate after the other until none is left. Several do so at once. A read that finds all in memory does
/// not wait, so that each reader gives the loop away by its own count.
Async<> read_candidates(Making& making) {
  const std::size_t turn = kReadsInTurn / making.at_once;
  for (std::size_t reads = 1; making.outcome && making.next < making.candidates.size(); ++reads) {
    const auto chat = ChatId::parse(making.candidates[making.next++]);
    if (!chat) {
      making.outcome = fail(ErrorCode::kInternal, "the index names what is no chat");
      co_return;
    }
    auto part = co_await read_part(making, *chat);
    if (!part) {
      making.outcome = std::unexpected(std::move(part).error());
      co_return;
    }
    making.maker.add(*std::move(part));
    if (reads % turn == 0) co_await boost::asio::post(kAwait);
  }
}

/// The clocks that `making` has were read before this.
Task<EventsPage> make_page(Making making, std::string user) {
  auto candidates = co_await find_candidates(making, std::move(user));
  if (!candidates) co_return std::unexpected(std::move(candidates).error());
  making.candidates = *std::move(candidates);
  const std::size_t count = std::max<std::size_t>(making.candidates.size(), 1);
  making.at_once = std::min({count, making.store.reads_at_once(), kReadsInTurn});
  making.read_bytes = std::max(kReadBytes, making.maker.bounds().max_bytes / count);
  TaskGroup readers(co_await boost::asio::this_coro::executor);
  for (std::size_t i = 1; i < making.at_once; ++i) readers.spawn(read_candidates(making));
  co_await read_candidates(making);
  co_await readers.wait();
  if (!making.outcome) co_return std::unexpected(std::move(making.outcome).error());
  co_return std::move(making.maker).finish();
}

}  // namespace

Task<EventsCursor> begin_events(store::MessageStore& store, Deadline deadline) {
  auto clocks = co_await store.clocks(store::Clocks::kNewest, deadline);
  if (!clocks) co_return std::unexpected(std::move(clocks).error());
  co_return EventsCursor{.numbers = *std::move(clocks)};
}

Task<EventsPage> read_events(store::MessageStore& store, EventsQuery query, Deadline deadline) {
  // With an older clock than the one before, a gap that was told would be undone.
  const auto which = query.cursor.backlog != 0 ? store::Clocks::kNewest : store::Clocks::kKnown;
  auto clocks = co_await store.clocks(which, deadline);
  if (!clocks) co_return std::unexpected(std::move(clocks).error());
  EventsPageMaker maker(std::move(query.cursor), *std::move(clocks), query.backlog, query.bounds);
  co_return co_await make_page({store, std::move(maker), deadline}, std::move(query.user));
}

Task<EventsPage> read_lane(store::MessageStore& store, std::size_t lane, EventsCursor cursor, EventsBounds bounds,
                           Deadline deadline) {
  auto clocks = co_await store.clocks(store::Clocks::kKnown, deadline);
  if (!clocks) co_return std::unexpected(std::move(clocks).error());
  std::vector<std::int64_t> only = cursor.numbers;  // in the others nothing is new
  only[lane] = (*clocks)[lane];
  EventsPageMaker maker(std::move(cursor), std::move(only), 0, bounds);
  co_return co_await make_page({store, std::move(maker), deadline}, store::follower_of(lane));
}

}  // namespace parley::service
