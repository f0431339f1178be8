// What every store's tables must do, said in tests.
#pragma once

#include <string>
#include <thread>
#include <vector>

#include "store/store_contract.h"

namespace parley::store {

class TableContract : public StoreContract {
 protected:
  using If = RowWrite::If;
  static inline const TableId kTable{TableId::Of::kUser, "a"};

  /// Whether the rows were written.
  bool written(std::vector<RowWrite> rows, const TableId& table = kTable) {
    const auto written = write(table, std::move(rows));
    EXPECT_TRUE(written) << written.error().detail;
    return written && !written->refused;
  }
  std::vector<std::string> names(RowRange range = {}) {
    const auto page = rows(kTable, std::move(range));
    EXPECT_TRUE(page) << page.error().detail;
    std::vector<std::string> out;
    if (page) {
      for (const Row& row : page->rows) out.push_back(row.name);
    }
    return out;
  }
};

TEST_P(TableContract, RowsComeBackInTheOrderOfTheirBytes) {
  const std::vector<std::string> all = {std::string("\0", 1),
                                        std::string("\0\0", 2),
                                        "A",
                                        "a",
                                        std::string("a\0", 2),
                                        "aa",
                                        "b",
                                        "\u00e9",
                                        "\xff",
                                        std::string(kMaxRowNameBytes, '\xff')};
  std::vector<RowWrite> writes;
  for (const std::string& name : all) writes.insert(writes.begin(), {name, "of " + name});
  EXPECT_TRUE(written(writes));
  std::vector<Row> expected;
  for (const std::string& name : all) expected.push_back({name, "of " + name});
  EXPECT_EQ(all_rows(kTable), expected);
}

TEST_P(TableContract, ValuesKeepEveryByte) {
  const std::vector<std::string> values = {"", std::string("\0", 1), "\xff\r\n", std::string(kMaxRowValueBytes, 'x')};
  std::vector<RowWrite> writes;
  for (const std::string& value : values) writes.push_back({std::to_string(writes.size()), value});
  EXPECT_TRUE(written(writes));
  const std::vector<Row> found = all_rows(kTable);
  ASSERT_EQ(found.size(), values.size());
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ(found[i].value, values[i]);
}

TEST_P(TableContract, TablesDoNotMix) {
  const std::vector<TableId> tables = {
      {TableId::Of::kUser, "a"},    {TableId::Of::kChat, "a"},   {TableId::Of::kUser, "aa"},
      {TableId::Of::kChat, "a:b"},  {TableId::Of::kUser, "b"},   {TableId::Of::kChat, "a:bc"},
      {TableId::Of::kUser, "a{b}"}, {TableId::Of::kUser, "a c"}, {TableId::Of::kUser, "\u10ff"}};
  const auto value = [](const TableId& table) { return std::to_string(static_cast<int>(table.of)) + table.name; };
  for (const TableId& table : tables) EXPECT_TRUE(written({{"a", value(table)}, {"b", "v"}}, table));
  for (const TableId& table : tables) {
    EXPECT_THAT(all_rows(table), ElementsAre(Row{"a", value(table)}, Row{"b", "v"})) << table.name;
  }
  EXPECT_THAT(all_rows({TableId::Of::kUser, "c"}), IsEmpty());
}

TEST_P(TableContract, RowsAreReadByPage) {
  std::vector<RowWrite> writes;
  for (int i = 10; i < 60; ++i) writes.push_back({std::to_string(i), "v"});
  EXPECT_TRUE(written(writes));
  EXPECT_THAT(names({.from = "12", .to = "15"}), ElementsAre("12", "13", "14"));
  EXPECT_THAT(names({.from = "120", .to = "15"}), ElementsAre("13", "14"));
  EXPECT_THAT(names({.from = "58"}), ElementsAre("58", "59"));
  EXPECT_THAT(names({.to = "11"}), ElementsAre("10"));
  EXPECT_THAT(names({.from = "15", .to = "15"}), IsEmpty());
  EXPECT_THAT(names({.from = "6"}), IsEmpty());
  EXPECT_THAT(names({.limit = 2}), ElementsAre("10", "11"));
  EXPECT_TRUE(rows(kTable, {.limit = 49})->has_more);
  EXPECT_FALSE(rows(kTable, {.limit = 50})->has_more);
  EXPECT_FALSE(rows(kTable, {.to = "20", .limit = 10})->has_more);  // what follows was not asked for
  std::vector<std::string> paged;
  for (RowRange range{.limit = 7};;) {
    const auto page = rows(kTable, range);
    ASSERT_TRUE(page) << page.error().detail;
    for (const Row& row : page->rows) paged.push_back(row.name);
    if (!page->has_more) break;
    range.from = paged.back() + '\0';
  }
  EXPECT_EQ(paged, names());
}

TEST_P(TableContract, APageEndsAtItsBytesButHasOneRow) {
  EXPECT_TRUE(written({{"1", "1234"}, {"2", "123456789"}, {"3", "1234"}}));  // 5, 10 and 5 bytes
  EXPECT_EQ(names({.max_bytes = 1}).size(), 1U);
  EXPECT_EQ(names({.max_bytes = 14}).size(), 1U);
  EXPECT_EQ(names({.max_bytes = 15}).size(), 2U);
  EXPECT_TRUE(rows(kTable, {.max_bytes = 19})->has_more);
  EXPECT_FALSE(rows(kTable, {.max_bytes = 20})->has_more);
}

TEST_P(TableContract, AsManyRowsAsAWriteMayHave) {
  std::vector<RowWrite> writes;
  for (std::size_t i = 0; i < kMaxRowsOfWrite; ++i) writes.push_back({std::to_string(100'000 + i), "v", If::kAbsent});
  EXPECT_TRUE(written(writes));
  EXPECT_FALSE(written(writes));
  EXPECT_EQ(rows(kTable, {.limit = 1000})->rows.size(), 1000U);
  for (RowWrite& write : writes) write.value = std::nullopt;
  for (RowWrite& write : writes) write.condition = If::kAlways;
  EXPECT_TRUE(written(writes));
  EXPECT_THAT(all_rows(kTable), IsEmpty());
}

TEST_P(TableContract, AWriteThatIsTooLargeIsRefused) {
  const std::string value(kMaxRowValueBytes, 'v');
  std::vector<RowWrite> most;
  for (std::size_t i = 0; i < kMaxBytesOfWrite / kMaxRowValueBytes; ++i) {
    most.push_back({std::to_string(10 + i), value.substr(2)});  // two bytes of name
  }
  EXPECT_TRUE(written(most));
  most.front().operand = "1";
  ASSERT_FALSE(write(kTable, most));
  EXPECT_EQ(write(kTable, most).error().code, ErrorCode::kBodyTooLarge);
  Change change = change_of({chat_of("a:b"), "a", "text", ""});
  change.rows = most;
  EXPECT_EQ(append(std::move(change)).error().code, ErrorCode::kBodyTooLarge);
  std::vector<RowWrite> many;
  for (std::size_t i = 0; i <= kMaxRowsOfWrite; ++i) many.push_back({std::to_string(i), "v"});
  EXPECT_EQ(write(kTable, many).error().code, ErrorCode::kBodyTooLarge);
}

// Conditions

TEST_P(TableContract, AbsentMeansThatThereIsNoSuchRow) {
  EXPECT_TRUE(written({{"r", "1", If::kAbsent}}));
  EXPECT_FALSE(written({{"r", "2", If::kAbsent}}));
  EXPECT_FALSE(written({{"r", std::nullopt, If::kAbsent}}));
  EXPECT_THAT(all_rows(kTable), ElementsAre(Row{"r", "1"}));
  EXPECT_TRUE(written({{"r", std::nullopt}}));
  EXPECT_TRUE(written({{"r", "", If::kAbsent}}));
  EXPECT_FALSE(written({{"r", "3", If::kAbsent}}));  // an empty row is one
}

TEST_P(TableContract, EqualsMeansThatItIsThereAndTheSame) {
  EXPECT_FALSE(written({{"r", "1", If::kEquals, ""}}));
  EXPECT_TRUE(written({{"r", ""}}));
  EXPECT_TRUE(written({{"r", "1", If::kEquals, ""}}));
  EXPECT_FALSE(written({{"r", "2", If::kEquals, "11"}}));
  EXPECT_FALSE(written({{"r", std::nullopt, If::kEquals, ""}}));
  EXPECT_TRUE(written({{"r", std::nullopt, If::kEquals, "1"}}));
  EXPECT_THAT(all_rows(kTable), IsEmpty());
}

TEST_P(TableContract, BelowMeansThatItIsNotThereOrLessByBytes) {
  EXPECT_TRUE(written({{"r", "b", If::kBelow, "b"}}));
  EXPECT_FALSE(written({{"r", "x", If::kBelow, "b"}}));
  EXPECT_FALSE(written({{"r", "x", If::kBelow, "a\xff"}}));
  EXPECT_TRUE(written({{"r", "\x7f", If::kBelow, std::string("b\0", 2)}}));
  EXPECT_TRUE(written({{"r", "\xff", If::kBelow, "\x80"}}));  // bytes have no sign
  EXPECT_FALSE(written({{"r", std::nullopt, If::kBelow, "\x80"}}));
  EXPECT_THAT(all_rows(kTable), ElementsAre(Row{"r", "\xff"}));
  EXPECT_TRUE(written({{"r", std::nullopt, If::kBelow, std::string("\xff\0", 2)}}));
  EXPECT_TRUE(written({{"r", std::nullopt, If::kBelow, "a"}}));
  EXPECT_THAT(all_rows(kTable), IsEmpty());
}

TEST_P(TableContract, OneRowThatIsNotAsItShouldRefusesAll) {
  EXPECT_TRUE(written({{"1", "v"}, {"2", "v"}, {"3", "v"}}));
  EXPECT_FALSE(written({{"0", "w"}, {"1", std::nullopt}, {"2", "w", If::kEquals, "v"}, {"3", "w", If::kAbsent}}));
  EXPECT_THAT(all_rows(kTable), ElementsAre(Row{"1", "v"}, Row{"2", "v"}, Row{"3", "v"}));
  EXPECT_TRUE(written({{"0", "w"}, {"1", std::nullopt}, {"2", "w", If::kEquals, "v"}, {"3", "w", If::kBelow, "w"}}));
  EXPECT_THAT(all_rows(kTable), ElementsAre(Row{"0", "w"}, Row{"2", "w"}, Row{"3", "w"}));
}

TEST_P(TableContract, TakingAwayWhatIsNotThereIsDone) { EXPECT_TRUE(written({{"r", std::nullopt}})); }

// Order

TEST_P(TableContract, WhatWasAcknowledgedIsSeenOnEveryLoop) {
  for (int i = 0; i < 50; ++i) {
    EXPECT_TRUE(written({{"r", std::to_string(i)}}));
    const auto page = rows(kTable, {}, static_cast<std::size_t>(i) % loops_.size());
    ASSERT_TRUE(page) << page.error().detail;
    EXPECT_THAT(page->rows, ElementsAre(Row{"r", std::to_string(i)}));
  }
}

TEST_P(TableContract, NoWriteIsLostBetweenALookAndAWrite) {
  constexpr int kSteps = 60;
  EXPECT_TRUE(written({{"count", "0"}}));
  const auto count = [this](std::size_t loop) {
    for (int step = 0; step < kSteps;) {
      const auto now = rows(kTable, {}, loop);
      ASSERT_TRUE(now) << now.error().detail;
      const std::string& seen = now->rows.at(0).value;
      const auto done = write(kTable, {{"count", std::to_string(std::stoi(seen) + 1), If::kEquals, seen}}, loop);
      ASSERT_TRUE(done) << done.error().detail;
      if (!done->refused) ++step;
    }
  };
  std::vector<std::thread> writers;
  for (std::size_t loop = 0; loop < loops_.size(); ++loop) writers.emplace_back(count, loop);
  for (std::thread& writer : writers) writer.join();
  EXPECT_THAT(all_rows(kTable), ElementsAre(Row{"count", std::to_string(kSteps * static_cast<int>(loops_.size()))}));
}

TEST_P(TableContract, ConcurrentWritesOfOneConditionAreOne) {
  for (int round = 0; round < 10; ++round) {
    std::vector<std::future<Result<Written>>> pending;
    for (std::size_t i = 0; i < 30; ++i) {
      pending.push_back(
          start(store_->write(kTable, {{std::to_string(round), std::to_string(i), If::kAbsent}}, kNoDeadline),
                i % loops_.size()));
    }
    int done = 0;
    for (auto& one : pending) {
      const auto written = one.get();
      ASSERT_TRUE(written) << written.error().detail;
      if (!written->refused) ++done;
    }
    EXPECT_EQ(done, 1);
  }
}

TEST_P(TableContract, PastItsDeadlineNothingIsBegun) {
  const Deadline past = in(std::chrono::milliseconds(-1));
  EXPECT_EQ(code_of(run(store_->write(kTable, {{"r", "v"}}, past))), ErrorCode::kOverloaded);
  EXPECT_EQ(code_of(run(store_->rows(kTable, {}, past))), ErrorCode::kOverloaded);
  EXPECT_THAT(all_rows(kTable), IsEmpty());
}

}  // namespace parley::store
