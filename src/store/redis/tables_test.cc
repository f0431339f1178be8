#include "store/redis/tables.h"

#include <algorithm>
#include <array>
#include <map>
#include <random>

#include <gmock/gmock.h>

#include "store/redis/parts_fixture.h"

namespace parley::store {
namespace {

using If = RowWrite::If;
using testing::ElementsAre;

class RedisTablesTest : public RedisPartsTest {
 protected:
  RedisTablesTest() { connect(options_of(server_.endpoint())); }

  /// Whether the rows were written.
  bool write(const TableId& table, const std::vector<RowWrite>& rows) {
    const std::vector<std::string> owned = redis_row_arguments(rows);
    const std::vector<std::string_view> arguments(owned.begin(), owned.end());
    const redis::CallResult result = done(run_write(redis_table_key(table, 8), arguments));
    EXPECT_EQ(result.reply.type, redis::Reply::Type::kInteger) << result.reply.text << result.why;
    return result.reply.integer == 1;
  }
  RowPage rows(const TableId& table, RowRange range = {}) {
    auto page = done(tables().rows(table, std::move(range), in(milliseconds(20'000))));
    EXPECT_TRUE(page) << page.error().detail;
    return page ? *std::move(page) : RowPage{};
  }
  std::vector<std::string> names(const TableId& table, RowRange range = {}) {
    std::vector<std::string> out;
    for (const Row& row : rows(table, std::move(range)).rows) out.push_back(row.name);
    return out;
  }
  RedisTables& tables() {
    if (!tables_) tables_ = std::make_unique<RedisTables>(*client_, identity_);
    return *tables_;
  }

  const TableId chat_{TableId::Of::kChat, "a:b"};

 private:
  Async<redis::CallResult> run_write(std::string key, std::span<const std::string_view> arguments) {
    static const redis::Script script(std::string(kRedisBytesLua) + std::string(kRedisRowsLua) + R"lua(
if rows_refused(KEYS[1], 1, #ARGV / 4) then return 0 end
write_rows(KEYS[1], 1, #ARGV / 4)
return 1
)lua");
    const std::array<std::string_view, 1> keys{key};
    redis::CallResult result = co_await client_->run(script, keys, arguments, {.deadline = in(milliseconds(20'000))});
    co_return result;
  }

  std::unique_ptr<RedisTables> tables_;
};

TEST_F(RedisTablesTest, TablesAreOfChatsAndOfUsers) {
  const TableId user{TableId::Of::kUser, "a:b"};
  EXPECT_TRUE(write(chat_, {{"x", "of the chat"}}));
  EXPECT_TRUE(write(user, {{"x", "of the user"}}));
  EXPECT_THAT(rows(chat_).rows, ElementsAre(Row{"x", "of the chat"}));
  EXPECT_THAT(rows(user).rows, ElementsAre(Row{"x", "of the user"}));
  EXPECT_THAT(rows({TableId::Of::kChat, "nobody"}).rows, ElementsAre());
}

TEST_F(RedisTablesTest, NamesAndValuesAreAnyBytes) {
  const std::string nul(1, '\0');
  const std::vector<std::string> sorted{
      nul,       nul + nul,          nul + "\1", "\1", "a",
      "a" + nul, "a" + nul + "\xFF", "a\1",      "ab", std::string(kMaxRowNameBytes, 'b'),
      "\xFF",    "\xFF\xFF"};
  ASSERT_TRUE(std::ranges::is_sorted(sorted));
  for (const std::string& name : sorted) EXPECT_TRUE(write(chat_, {{name, name + nul + "\xFF" + name}}));
  std::vector<Row> expected;
  for (const std::string& name : sorted) expected.push_back({name, name + nul + "\xFF" + name});
  EXPECT_EQ(rows(chat_).rows, expected);
  for (std::size_t from = 0; from < sorted.size(); ++from) {
    for (std::size_t to = from; to < sorted.size(); ++to) {
      const std::vector<std::string> part(sorted.begin() + static_cast<std::ptrdiff_t>(from),
                                          sorted.begin() + static_cast<std::ptrdiff_t>(to));
      EXPECT_EQ(names(chat_, {.from = sorted[from], .to = sorted[to]}), part) << from << " to " << to;
    }
  }
  EXPECT_TRUE(write(chat_, {{"empty", ""}}));
  EXPECT_THAT(rows(chat_, {.from = "empty", .to = "f"}).rows, ElementsAre(Row{"empty", ""}));
  EXPECT_TRUE(write(chat_, {{"full", std::string(kMaxRowValueBytes, '\0')}}));
  EXPECT_THAT(rows(chat_, {.from = "full", .to = "g"}).rows,
              ElementsAre(Row{"full", std::string(kMaxRowValueBytes, '\0')}));
}

TEST_F(RedisTablesTest, APageEndsAtItsRowsOrItsBytes) {
  EXPECT_TRUE(write(
      chat_, {{"a", std::string(99, 'x')}, {"b", std::string(99, 'x')}, {"c", std::string(60'000, 'x')}, {"d", ""}}));
  RowPage page = rows(chat_, {.limit = 2});
  EXPECT_EQ(page.rows.size(), 2U);
  EXPECT_TRUE(page.has_more);
  EXPECT_THAT(names(chat_, {.limit = 4}), ElementsAre("a", "b", "c", "d"));
  EXPECT_FALSE(rows(chat_, {.limit = 4}).has_more);
  EXPECT_THAT(names(chat_, {.max_bytes = 200}), ElementsAre("a", "b"));
  EXPECT_THAT(names(chat_, {.max_bytes = 199}), ElementsAre("a"));
  page = rows(chat_, {.from = "c", .limit = 1, .max_bytes = 1});
  EXPECT_EQ(page.rows.size(), 1U) << "the first row is served whatever its size";
  EXPECT_TRUE(page.has_more);
  EXPECT_THAT(names(chat_, {.from = "c", .max_bytes = 60'002}), ElementsAre("c", "d"));
  EXPECT_THAT(names(chat_, {.from = "c", .max_bytes = 60'001}), ElementsAre("c"));
}

TEST_F(RedisTablesTest, APageOfManyRowsIsWhole) {
  std::vector<RowWrite> many;
  for (int i = 1000; i < 2200; ++i) many.push_back({"row " + std::to_string(i), std::to_string(i)});
  EXPECT_TRUE(write(chat_, many));
  const RowPage page = rows(chat_, {.limit = 1000});
  ASSERT_EQ(page.rows.size(), 1000U);
  EXPECT_TRUE(page.has_more);
  EXPECT_EQ(page.rows.back().name, "row 1999");
  EXPECT_EQ(names(chat_, {.from = "row 2000", .limit = 200}).size(), 200U);
}

TEST_F(RedisTablesTest, ConditionsHoldForAllRowsOrNone) {
  EXPECT_TRUE(write(chat_, {{"a", "1", If::kAbsent}, {"b", "2", If::kAbsent}}));
  EXPECT_FALSE(write(chat_, {{"c", "3"}, {"a", "9", If::kAbsent}}));
  EXPECT_FALSE(write(chat_, {{"b", "9", If::kEquals, "1"}}));
  EXPECT_FALSE(write(chat_, {{"none", "9", If::kEquals, ""}}));
  EXPECT_THAT(rows(chat_).rows, ElementsAre(Row{"a", "1"}, Row{"b", "2"}));
  EXPECT_TRUE(write(chat_, {{"b", "20", If::kEquals, "2"}, {"a", std::nullopt, If::kEquals, "1"}}));
  EXPECT_THAT(rows(chat_).rows, ElementsAre(Row{"b", "20"}));
  EXPECT_TRUE(write(chat_, {{"b", std::nullopt}}));
  EXPECT_TRUE(write(chat_, {{"b", std::nullopt}}));
  EXPECT_THAT(rows(chat_).rows, ElementsAre());
}

TEST_F(RedisTablesTest, BelowIsByBytes) {
  const std::vector<std::string> sorted{
      "", std::string(1, '\0'), std::string(2, '\0'), "B", "a", "a\x7F", "a\x80", "\xC3\xA4"};
  for (const std::string& value : sorted) {
    for (const std::string& operand : sorted) {
      EXPECT_TRUE(write(chat_, {{"x", value}}));
      EXPECT_EQ(write(chat_, {{"x", "written", If::kBelow, operand}}), value < operand);
    }
  }
  EXPECT_TRUE(write(chat_, {{"absent", "written", If::kBelow, ""}}));
}

TEST_F(RedisTablesTest, AnyWritesAreAsAMapWouldHaveThem) {
  std::mt19937 random(7);
  const auto below = [&](unsigned bound) { return static_cast<unsigned>(random() % bound); };
  const auto word = [&] {
    std::string out;
    for (unsigned i = below(3) + 1; i > 0; --i) out.push_back("\0\1a\xFF"[below(4)]);
    return out;
  };
  std::map<std::string, std::string> expected;
  for (int step = 0; step < 2000; ++step) {
    std::map<std::string, RowWrite> writes;
    for (unsigned i = below(4); i < 4; ++i) {
      RowWrite row{.name = word(), .value = {}, .condition = static_cast<If>(below(4)), .operand = word()};
      if (below(3) > 0) row.value = word();
      writes.insert_or_assign(row.name, row);
    }
    const bool holds = std::ranges::all_of(writes, [&](const auto& entry) {
      const RowWrite& row = entry.second;
      const auto found = expected.find(row.name);
      const bool there = found != expected.end();
      switch (row.condition) {
        case If::kAlways: return true;
        case If::kAbsent: return !there;
        case If::kEquals: return there && found->second == row.operand;
        case If::kBelow: return !there || found->second < row.operand;
      }
      return false;
    });
    std::vector<RowWrite> list;
    for (const auto& [name, row] : writes) list.push_back(row);
    ASSERT_EQ(write(chat_, list), holds);
    for (const RowWrite& row : list) {
      if (!holds) break;
      if (row.value) expected.insert_or_assign(row.name, *row.value);
      if (!row.value) expected.erase(row.name);
    }
    std::vector<Row> all;
    for (const auto& [name, value] : expected) all.push_back({name, value});
    ASSERT_EQ(rows(chat_).rows, all);
  }
}

TEST_F(RedisTablesTest, WhatIsNoRowIsSaid) {
  (void)server_.ask({"ZADD", redis_table_key(chat_, 8), "0", "not a row"});
  const auto page = done(tables().rows(chat_, {}, in(milliseconds(20'000))));
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(page.error().detail, testing::HasSubstr("makes no sense"));
}

TEST_F(RedisTablesTest, NothingIsReadOfAStoreThatIsGone) {
  identity_.lose("");
  const auto page = done(tables().rows(chat_, {}, in(milliseconds(20'000))));
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace parley::store
