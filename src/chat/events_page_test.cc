#include "chat/events_page.h"

#include <map>
#include <random>

#include <gmock/gmock.h>

namespace parley {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Record record(std::int64_t time, RecordKind kind = RecordKind::kMessage) {
  return {.kind = kind, .time = time, .sender = "a", .about = 0, .body = std::string("\x0a\x02xy")};
}

std::vector<Record> records(const std::vector<std::int64_t>& times) {
  std::vector<Record> out;
  for (const std::int64_t time : times) out.push_back(record(time));
  return out;
}

ChatPart part(std::string chat, std::size_t lane, const std::vector<std::int64_t>& times, bool has_more = false) {
  return {.chat = std::move(chat), .lane = lane, .spans = {{}}, .records = records(times), .has_more = has_more};
}

/// "chat@time", with "gap" before those that are.
std::vector<std::string> told(const EventsPage& page) {
  std::vector<std::string> out;
  for (const ChatEvent& event : page.events) {
    out.push_back((event.record ? "" : "gap ") + event.chat + "@" + std::to_string(event.time));
  }
  return out;
}

EventsPage make(EventsPageMaker maker, std::vector<ChatPart> parts) {
  for (ChatPart& one : parts) maker.add(std::move(one));
  return std::move(maker).finish();
}

EventsPageMaker maker(std::vector<std::int64_t> numbers, std::vector<std::int64_t> clocks, EventsBounds bounds = {},
                      std::int32_t backlog = 0, std::int32_t held = 0) {
  return {EventsCursor{std::move(numbers), held}, std::move(clocks), backlog, bounds};
}

TEST(EventsPage, TellsWhatLiesBetweenNumberAndClock) {
  const EventsPage page = make(maker({10}, {20}), {part("a", 0, {10, 11, 20, 21}), part("b", 0, {9, 15})});
  EXPECT_THAT(told(page), ElementsAre("a@11", "b@15", "a@20"));
  EXPECT_EQ(page.cursor, (EventsCursor{{20}}));
  EXPECT_FALSE(page.caught_up) << "21 was seen, and comes once the clock has passed it";
  EXPECT_TRUE(make(maker({10}, {20}), {part("a", 0, {11})}).caught_up);
}

TEST(EventsPage, WithoutAnythingNewTheNumbersGoToTheClocks) {
  const EventsPage page = make(maker({10, 30}, {20, 25}), {});
  EXPECT_THAT(page.events, IsEmpty());
  EXPECT_EQ(page.cursor, (EventsCursor{{20, 30}})) << "a number never falls";
  EXPECT_TRUE(page.caught_up);
}

TEST(EventsPage, ALaneThatIsCutStandsAtItsLastEvent) {
  const EventsPage page = make(maker({0, 0, 0}, {50, 50, 50}, {.limit = 3}),
                               {part("a", 0, {10, 30}), part("b", 0, {20}), part("c", 1, {40}), part("d", 2, {15})});
  EXPECT_THAT(told(page), ElementsAre("a@10", "d@15", "b@20"));
  EXPECT_EQ(page.cursor, (EventsCursor{{20, 0, 50}})) << "or stays, if nothing of it was told";
  EXPECT_FALSE(page.caught_up);
}

TEST(EventsPage, AChatThatWasReadInPartCutsItsLane) {
  const EventsPage page = make(maker({0, 0}, {50, 50}), {part("b", 0, {5, 25, 35}), part("a", 0, {10, 20}, true),
                                                         part("c", 1, {45}), part("d", 0, {15, 22})});
  EXPECT_THAT(told(page), ElementsAre("b@5", "a@10", "d@15", "a@20", "c@45"));
  EXPECT_EQ(page.cursor, (EventsCursor{{20, 50}}));
}

TEST(EventsPage, WhatWasLeftOutBeyondTheClockCutsNothing) {
  EXPECT_EQ(make(maker({0}, {20}), {part("a", 0, {10, 20}, true)}).cursor, (EventsCursor{{20}}));
  EXPECT_EQ(make(maker({0}, {20}), {part("a", 0, {10, 21}, true)}).cursor, (EventsCursor{{20}}));
}

TEST(EventsPage, EndsAtItsBytesButHasOneEvent) {
  EXPECT_THAT(told(make(maker({0}, {50}, {.max_bytes = 1}), {part("a", 0, {10, 20})})), ElementsAre("a@10"));
  EXPECT_THAT(told(make(maker({0}, {50}, {.max_bytes = 4}), {part("a", 0, {10, 20, 30})})),
              ElementsAre("a@10", "a@20"));
  EXPECT_EQ(make(maker({0}, {50}, {.max_bytes = 4}), {part("a", 0, {10, 20, 30})}).cursor, (EventsCursor{{20}}));
}

TEST(EventsPage, CandidatesAreWhatMayHaveMovedSinceTheNumber) {
  const EventsPageMaker one = maker({1000, 5000, 2000}, {1500, 5000, 9000});
  EXPECT_EQ(one.least_row(100), 900);
  EXPECT_TRUE(one.is_candidate(0, 900, 100));
  EXPECT_FALSE(one.is_candidate(0, 899, 100));
  EXPECT_FALSE(one.is_candidate(1, 9999, 100)) << "the lane has nothing new";
  EXPECT_TRUE(one.is_candidate(2, 1900, 100));
  EXPECT_EQ(maker({10, 30}, {10, 20}).least_row(100), std::nullopt);
}

// Gaps

TEST(EventsPage, AChatThatMissedMoreThanTheBacklogHasAGap) {
  const EventsPage page = make(maker({0}, {50}, {}, 2), {part("a", 0, {10, 20, 30, 40}), part("b", 0, {15, 25})});
  EXPECT_THAT(told(page), ElementsAre("b@15", "gap a@20", "b@25", "a@30", "a@40"));
  EXPECT_EQ(page.cursor, (EventsCursor{{50}})) << "a page that is not cut holds no backlog";
}

TEST(EventsPage, OnlyMessagesCountForTheBacklog) {
  ChatPart mixed = part("a", 0, {10, 20, 30, 40});
  mixed.records[2].kind = RecordKind::kEdit;
  EXPECT_THAT(told(make(maker({0}, {50}, {}, 3), {mixed})), ElementsAre("a@10", "a@20", "a@30", "a@40"));
  EXPECT_THAT(told(make(maker({0}, {50}, {}, 2), {mixed})), ElementsAre("gap a@10", "a@20", "a@30", "a@40"));
  EXPECT_THAT(told(make(maker({0}, {50}, {}, 1), {mixed})), ElementsAre("gap a@20", "a@30", "a@40"));
}

TEST(EventsPage, WhileItIsCutTheCursorHoldsTheSmallestBacklog) {
  const auto parts = [] { return std::vector{part("a", 0, {10, 20, 30, 40}), part("b", 0, {15})}; };
  EXPECT_EQ(make(maker({0}, {50}, {.limit = 1}, 3), parts()).cursor, (EventsCursor{{10}, 3}));
  EXPECT_EQ(make(maker({0}, {50}, {.limit = 1}, 0, 3), parts()).cursor.backlog, 3);
  EXPECT_EQ(make(maker({0}, {50}, {.limit = 1}, 5, 3), parts()).cursor.backlog, 3);
  EXPECT_EQ(make(maker({0}, {50}, {.limit = 1}, 2, 3), parts()).cursor.backlog, 2);
  EXPECT_EQ(make(maker({0}, {50}, {}, 2, 3), parts()).cursor.backlog, 0);
}

TEST(EventsPage, ALongAbsenceIsCountedFromItsEnd) {
  const EventsPageMaker one = maker({0}, {50}, {.limit = 2}, 2);
  EXPECT_TRUE(one.needs_count(part("a", 0, {10, 20}, true)));
  EXPECT_FALSE(one.needs_count(part("a", 0, {10, 20})));
  EXPECT_FALSE(one.needs_count(part("a", 0, {10, 50}, true))) << "all that is below the clock was read";
  EXPECT_FALSE(maker({0}, {50}).needs_count(part("a", 0, {10, 20}, true)));
  ChatPart counted = part("a", 0, {35, 45}, false);
  counted.gap = 30;
  EXPECT_THAT(told(make(maker({0}, {50}, {}, 2), {counted})), ElementsAre("gap a@30", "a@35", "a@45"));
}

// Spans

TEST(EventsPage, TellsWhatIsInsideTheSpansAlone) {
  ChatPart left = part("a", 0, {10, 20, 30, 40, 50});
  left.spans = {{.from = 15, .to = 20}, {.from = 40}};
  EXPECT_THAT(told(make(maker({0}, {60}), {left})), ElementsAre("a@20", "a@40", "a@50"));
  EXPECT_THAT(told(make(maker({0}, {60}, {}, 1), {left})), ElementsAre("gap a@40", "a@50"));
}

TEST(EventsPage, ReadingBeginsInsideASpan) {
  const MemberSpans spans = {{.from = 15, .to = 20}, {.from = 40}};
  EXPECT_EQ(first_inside(spans, 0), 15);
  EXPECT_EQ(first_inside(spans, 15), 16);
  EXPECT_EQ(first_inside(spans, 19), 20);
  EXPECT_EQ(first_inside(spans, 20), 40);
  EXPECT_EQ(first_inside(spans, 99), 100);
  EXPECT_EQ(first_inside({{.from = 15, .to = 20}}, 20), std::nullopt);
  EXPECT_EQ(first_inside({}, 0), std::nullopt);
}

// Properties

/// Chats in lanes whose records are all there from the beginning, read in parts of any size.
TEST(EventsPage, AChainTellsEachRecordOnceAndInOrder) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    std::mt19937_64 random(seed);
    const auto below = [&](std::size_t bound) { return static_cast<std::size_t>(random() % bound); };
    const std::size_t lanes = 1 + below(3);
    std::map<std::string, std::pair<std::size_t, std::vector<Record>>> chats;  // with their lanes
    std::vector<std::int64_t> clocks(lanes);
    for (std::size_t i = 0; i < 6; ++i) chats[std::string(1, static_cast<char>('a' + i))].first = below(lanes);
    const std::size_t count = below(60);
    for (std::size_t i = 0; i < count; ++i) {
      auto& [lane, log] = std::next(chats.begin(), static_cast<std::ptrdiff_t>(below(chats.size())))->second;
      clocks[lane] += 1 + static_cast<std::int64_t>(below(3));
      log.push_back(record(clocks[lane]));
    }
    EventsCursor cursor{std::vector<std::int64_t>(lanes, 0)};
    std::map<std::string, std::vector<Record>> seen;
    bool is_caught_up = false;
    for (std::size_t pages = 0; !is_caught_up; ++pages) {
      ASSERT_LE(pages, count + 1) << "seed " << seed << ": each page has an event";
      const EventsBounds bounds{.limit = 1 + below(5), .max_bytes = 1 + below(10)};
      EventsPageMaker next(cursor, clocks, 0, bounds);
      for (const auto& [chat, of] : chats) {
        const auto& [lane, log] = of;
        ChatPart read{.chat = chat, .lane = lane, .spans = {{}}, .records = {}};
        const std::size_t limit = 1 + below(4);
        for (const Record& one : log) {
          if (one.time <= cursor.numbers[lane]) continue;
          read.has_more = read.records.size() == limit;
          if (read.has_more) break;
          read.records.push_back(one);
        }
        next.add(std::move(read));
      }
      EventsPage page = std::move(next).finish();
      EXPECT_LE(page.events.size(), bounds.limit);
      for (ChatEvent& event : page.events) {
        ASSERT_TRUE(event.record);
        seen[event.chat].push_back(*std::move(event.record));
      }
      for (std::size_t lane = 0; lane < lanes; ++lane) EXPECT_GE(page.cursor.numbers[lane], cursor.numbers[lane]);
      cursor = page.cursor;
      is_caught_up = page.caught_up;
    }
    for (const auto& [chat, of] : chats) EXPECT_EQ(seen[chat], of.second) << "seed " << seed;
    EXPECT_EQ(cursor.numbers, clocks);
  }
}

}  // namespace
}  // namespace parley
