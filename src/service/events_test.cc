#include "service/events.h"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/post.hpp>
#include <gmock/gmock.h>

#include "chat/message_body.h"
#include "net/loop.h"

namespace parley::service {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::int64_t kStart = 1'700'000'000'000'000;
constexpr std::int64_t kDay = 86'400'000'000;

/// A store of one lane that counts what is read of it.
class CountingStore final : public store::MessageStore {
 public:
  /// At this time, or after the last one.
  void add(const std::string& chat, std::int64_t time, RecordKind kind = RecordKind::kMessage) {
    clock = std::max(clock + 1, time);
    logs[chat].push_back({kind, clock, "a", 0, draft_of_message({ChatId::parse(chat).value(), "a", "text", ""}).body});
    rows_of_a[chat] = clock;
  }

  Task<store::Appended> append(store::Change, Deadline) override { co_return store::Appended{}; }
  Task<store::RecordPage> read(ChatId chat, store::RecordRange range, Deadline) override {
    read_chats.push_back(chat.name());
    ends.push_back(range.end);
    most_at_once = std::max(most_at_once, ++under_way);
    co_await boost::asio::post(kAwait);  // so that others begin meanwhile
    --under_way;
    if (error) co_return std::unexpected(*error);
    const auto found = logs.find(chat.name());
    if (found == logs.end()) co_return fail(ErrorCode::kChatNotFound, "no such chat");
    store::RecordPage page;
    PageRoom room(range.page);
    const auto take = [&](const Record& record) {
      const std::int64_t cursor = range.page.cursor;
      if (page.has_more || (range.page.reverse ? record.time > cursor : record.time < cursor)) return;
      if (range.end != 0 && (range.page.reverse ? record.time <= range.end : record.time >= range.end)) return;
      if (!range.all_kinds && record.kind != RecordKind::kMessage) return;
      page.has_more = !room.take(page_bytes(record.kind, record.body));
      if (page.has_more) return;
      page.records.push_back(record);
      ++records_read;
    };
    if (range.page.reverse) {
      std::for_each(found->second.rbegin(), found->second.rend(), take);
    } else {
      std::ranges::for_each(found->second, take);
    }
    co_return page;
  }
  Task<store::RowPage> rows(store::TableId, store::RowRange, Deadline) override { co_return store::RowPage{}; }
  Task<store::Written> write(store::TableId, std::vector<store::RowWrite>, Deadline) override {
    co_return store::Written{};
  }
  Task<store::IndexPage> index(std::string user, store::IndexRange range, Deadline) override {
    ++index_reads;
    store::IndexPage page;
    if (user != "a" && user != store::follower_of(0)) co_return page;
    EXPECT_TRUE(range.oldest_first);
    const auto place = [](const store::IndexRow& row) { return std::pair(row.time, row.chat); };
    for (const auto& [chat, time] : rows_of_a) {
      if (time >= range.least && (!range.after || std::pair(time, chat) > place(*range.after))) {
        page.rows.push_back({chat, time});
      }
    }
    std::ranges::sort(page.rows, {}, place);
    page.has_more = page.rows.size() > std::min(range.limit, rows_of_page);
    if (page.has_more) page.rows.resize(rows_of_page);
    page.age = age;
    if (after_index) after_index();
    co_return page;
  }
  std::size_t lanes() const noexcept override { return 1; }
  std::size_t lane_of(std::string_view) const noexcept override { return 0; }
  std::size_t reads_at_once() const noexcept override { return worth_at_once; }
  Task<std::vector<std::int64_t>> clocks(store::Clocks which, Deadline) override {
    newest_clock_reads += which == store::Clocks::kNewest ? 1 : 0;
    if (error) co_return std::unexpected(*error);
    co_return std::vector<std::int64_t>{clock};
  }
  store::Bell& bell() noexcept override { std::abort(); }
  Health health() const override { return {}; }
  std::string id() const override { return "store"; }

  std::int64_t clock = kStart;
  std::map<std::string, std::vector<Record>> logs;
  std::map<std::string, std::int64_t> rows_of_a;
  std::size_t rows_of_page = store::kMaxIndexRows;
  std::uint64_t age = 0;
  std::function<void()> after_index;  // happens behind each page of it
  std::optional<Error> error;
  std::size_t worth_at_once = 64;

  std::vector<std::string> read_chats;
  std::vector<std::int64_t> ends;  // of what was read
  std::size_t records_read = 0;
  std::size_t index_reads = 0;
  std::size_t newest_clock_reads = 0;
  std::size_t under_way = 0;
  std::size_t most_at_once = 0;
};

class EventsTest : public testing::Test {
 protected:
  Result<EventsPage> try_page(EventsCursor cursor, std::int32_t backlog = 0, EventsBounds bounds = {}) {
    return loop_.finish(read_events(store_, {"a", std::move(cursor), backlog, bounds}, kNoDeadline));
  }
  EventsPage page(EventsCursor cursor, std::int32_t backlog = 0, EventsBounds bounds = {}) {
    auto made = try_page(std::move(cursor), backlog, bounds);
    EXPECT_TRUE(made) << made.error().detail;
    return made ? *std::move(made) : EventsPage{};
  }
  EventsCursor now() { return loop_.finish(begin_events(store_, kNoDeadline)).value(); }

  net::Loop loop_;
  CountingStore store_;
};

std::string chat(int i) { return "a:u" + std::to_string(10'000 + i); }

TEST_F(EventsTest, ReadsOnlyTheChatsThatMoved) {
  for (int i = 0; i < 1000; ++i) store_.add(chat(i), 0);
  store_.clock += kDay;  // other chats of the lane went on
  const EventsCursor cursor = now();
  for (const int i : {3, 500, 7, 999, 0}) store_.add(chat(i), 0);
  const EventsPage made = page(cursor);
  EXPECT_THAT(store_.read_chats, testing::UnorderedElementsAre(chat(3), chat(500), chat(7), chat(999), chat(0)));
  EXPECT_EQ(store_.index_reads, 1U);
  ASSERT_THAT(made.events, SizeIs(5));
  EXPECT_EQ(made.events[0].chat, chat(3));
  EXPECT_EQ(made.events[4].chat, chat(0));
  EXPECT_TRUE(made.caught_up);
  EXPECT_EQ(made.cursor, now());
}

TEST_F(EventsTest, WithoutAnythingNewNothingIsRead) {
  store_.add(chat(1), 0);
  const EventsPage made = page(now());
  EXPECT_THAT(made.events, IsEmpty());
  EXPECT_TRUE(made.caught_up);
  EXPECT_THAT(store_.read_chats, IsEmpty());
  EXPECT_EQ(store_.index_reads, 0U);
}

TEST_F(EventsTest, ReadsAsManyChatsAtOnceAsTheStoreSays) {
  const EventsCursor cursor = now();
  for (int i = 0; i < 100; ++i) store_.add(chat(i), 0);
  for (const std::size_t worth : {1U, 4U, 64U}) {
    store_.worth_at_once = worth;
    store_.most_at_once = 0;
    EXPECT_THAT(page(cursor).events, SizeIs(100));
    EXPECT_EQ(store_.most_at_once, worth);
  }
  store_.worth_at_once = 1000;  // more than a page may have under way
  EXPECT_THAT(page(cursor).events, SizeIs(100));
  EXPECT_EQ(store_.most_at_once, 64U);
}

TEST_F(EventsTest, ManyChatsComeInPages) {
  EventsCursor cursor = now();
  for (int i = 0; i < 300; ++i) store_.add(chat(i % 100), 0);
  std::vector<std::int64_t> times;
  for (int pages = 0; pages < 100; ++pages) {
    const EventsPage made = page(cursor, 0, {.limit = 7});
    for (const ChatEvent& event : made.events) times.push_back(event.time);
    cursor = made.cursor;
    if (made.caught_up) break;
    EXPECT_THAT(made.events, SizeIs(7));
  }
  EXPECT_THAT(times, SizeIs(300));
  EXPECT_TRUE(std::ranges::is_sorted(times));
}

TEST_F(EventsTest, OnceThePageIsFullTheOtherChatsAreOnlyLookedAtBelowItsEnd) {
  const EventsCursor cursor = now();
  for (int i = 0; i < 1000; ++i) store_.add(chat(999 - i), 0);
  for (int i = 0; i < 1000; ++i) store_.add(chat(999 - i), 0);
  for (int i = 0; i < 1000; ++i) store_.rows_of_a[chat(i)] -= store::kIndexGrain;
  const EventsPage made = page(cursor, 0, {.limit = 10});
  ASSERT_THAT(made.events, SizeIs(10));
  EXPECT_EQ(made.events.front().chat, chat(999)) << "whose row is the oldest";
  EXPECT_EQ(made.events.back().time, cursor.numbers[0] + 10);
  EXPECT_LE(store_.read_chats.size(), 1000U);
  const auto first_bounded = std::ranges::find_if(store_.ends, [](std::int64_t end) { return end != 0; });
  EXPECT_LE(first_bounded - store_.ends.begin(), 64) << "those that were read at once before any was there";
  EXPECT_TRUE(std::all_of(first_bounded, store_.ends.end(), [](std::int64_t end) { return end != 0; }));
  EXPECT_LE(store_.records_read, 2 * 64U);
}

TEST_F(EventsTest, AGapIsCountedFromTheClockAlsoIfThePageIsFull) {
  const EventsCursor cursor = now();
  for (int i = 0; i < 100; ++i) store_.add(chat(i), 0);
  for (int round = 0; round < 5; ++round) {
    for (int i = 99; i >= 0; --i) store_.add(chat(i), 0);
  }
  // With a backlog of one each chat is a gap and its newest message, whatever page they come in.
  EventsCursor at = cursor;
  std::map<std::string, std::vector<ChatEvent>> told;
  for (bool more = true; more;) {
    EventsPage made = page(at, 1, {.limit = 7});
    more = !made.caught_up;
    at = made.cursor;
    for (ChatEvent& event : made.events) told[event.chat].push_back(std::move(event));
  }
  ASSERT_THAT(told, SizeIs(100));
  for (const auto& [name, events] : told) {
    const auto& log = store_.logs[name];
    EXPECT_THAT(events, ElementsAre(ChatEvent{name, log[log.size() - 2].time, std::nullopt},
                                    ChatEvent{name, log.back().time, log.back()}));
  }
}

TEST_F(EventsTest, AScanByPagesBeginsAgainAfterAFailover) {
  const EventsCursor cursor = now();
  for (int i = 0; i < 10; ++i) store_.add(chat(i), 0);
  store_.rows_of_page = 3;
  EXPECT_THAT(page(cursor).events, SizeIs(10));
  EXPECT_EQ(store_.index_reads, 4U);
  // An unconfirmed rise of the last chat's row is undone while the scan is on its way: it falls behind the scan.
  const std::int64_t row = std::exchange(store_.rows_of_a[chat(9)], store_.rows_of_a[chat(9)] + kDay);
  store_.index_reads = 0;
  store_.after_index = [&] {
    if (store_.index_reads != 1) return;
    store_.rows_of_a[chat(9)] = kStart;
    ++store_.age;
  };
  EXPECT_THAT(page(cursor).events, SizeIs(10));
  EXPECT_EQ(store_.index_reads, 1U + 1 + 4);
  store_.rows_of_a[chat(9)] = row;
}

TEST_F(EventsTest, ARowThatRisesDuringAScanIsOneChat) {
  const EventsCursor cursor = now();
  for (int i = 0; i < 10; ++i) store_.add(chat(i), 0);
  store_.rows_of_page = 3;
  store_.after_index = [&] { store_.rows_of_a[chat(0)] = store_.clock + kDay; };
  EXPECT_THAT(page(cursor).events, SizeIs(10));
  EXPECT_THAT(store_.read_chats, SizeIs(10));
}

TEST_F(EventsTest, ALongAbsenceIsAGapAndTheNewestMessages) {
  const EventsCursor cursor = now();
  for (int i = 0; i < 5000; ++i) store_.add(chat(1), 0, i % 4 == 0 ? RecordKind::kEdit : RecordKind::kMessage);
  const EventsPage made = page(cursor, 10, {.limit = 100});
  const auto& log = store_.logs[chat(1)];
  // Of the last 14 records, 11 are messages: the first of those ends the gap.
  EXPECT_EQ(made.events.front(), (ChatEvent{chat(1), log[log.size() - 14].time, std::nullopt}));
  ASSERT_THAT(made.events, SizeIs(14));
  EXPECT_EQ(std::ranges::count_if(
                made.events, [](const ChatEvent& e) { return e.record && e.record->kind == RecordKind::kMessage; }),
            10);
  EXPECT_TRUE(made.caught_up);

  const EventsPage many = page(cursor, kMaxBacklog, {.limit = 100});
  EXPECT_FALSE(many.events.front().record) << "also if the backlog is longer than what is counted at once";
  EXPECT_FALSE(many.caught_up);
  EXPECT_EQ(many.cursor.backlog, kMaxBacklog);
  EXPECT_EQ(page(cursor, 2'000'000'000, {.limit = 100}), many) << "no more than this counts";

  const EventsPage all = page(cursor, -1, {.limit = 100});
  EXPECT_TRUE(all.events.front().record) << "less than none is none";
  EXPECT_EQ(all.cursor.backlog, 0);

  for (int i = 0; i < 300; ++i) store_.add(chat(2), 0);
  EXPECT_TRUE(page({{log.back().time}}, 301, {.limit = 100}).events.front().record)
      << "no more messages were missed than the backlog";
}

TEST_F(EventsTest, WhileABacklogIsHeldTheNewestClockIsAskedFor) {
  const EventsCursor cursor = now();
  store_.newest_clock_reads = 0;
  (void)page(cursor, 10);
  EXPECT_EQ(store_.newest_clock_reads, 0U);
  (void)page({cursor.numbers, 10});
  EXPECT_EQ(store_.newest_clock_reads, 1U);
}

TEST_F(EventsTest, AChatThatTheIndexKnowsMayHaveNoRecordYet) {
  const EventsCursor cursor = now();
  store_.add(chat(1), 0);
  store_.rows_of_a[chat(2)] = kStart;
  EXPECT_THAT(page(cursor).events, SizeIs(1));
}

TEST_F(EventsTest, ErrorsOfTheStorePassThrough) {
  const EventsCursor cursor = now();
  store_.add(chat(1), 0);
  store_.error = Error{ErrorCode::kUnavailable, "gone"};
  EXPECT_EQ(try_page(cursor).error().detail, "gone");
  EXPECT_EQ(loop_.finish(begin_events(store_, kNoDeadline)).error().detail, "gone");
}

TEST_F(EventsTest, AnIndexThatNamesNoChatIsABug) {
  const EventsCursor cursor = now();
  store_.add(chat(1), 0);
  store_.rows_of_a["no chat"] = kStart;
  EXPECT_EQ(try_page(cursor).error().code, ErrorCode::kInternal);
}

TEST_F(EventsTest, ALaneIsFollowedFromItsBeginning) {
  for (int i = 0; i < 5; ++i) store_.add(chat(i % 2), 0);
  EventsCursor cursor{{0}};
  std::vector<std::int64_t> times;
  bool is_caught_up = false;
  for (int pages = 0; pages < 10 && !is_caught_up; ++pages) {
    const auto made = loop_.finish(read_lane(store_, 0, cursor, {.limit = 2}, kNoDeadline));
    ASSERT_TRUE(made);
    for (const ChatEvent& event : made->events) times.push_back(event.time);
    cursor = made->cursor;
    is_caught_up = made->caught_up;
  }
  EXPECT_THAT(times, ElementsAre(kStart + 1, kStart + 2, kStart + 3, kStart + 4, kStart + 5));
}

}  // namespace
}  // namespace parley::service
