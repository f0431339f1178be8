#include "store/records.h"

#include <gtest/gtest.h>

namespace parley::store {
namespace {

Record record(std::int64_t time) { return {.time = time, .sender = "a", .body = "body"}; }

TEST(RecordsTest, CopiesShareTheListUntilOneIsAddedTo) {
  Records records;
  EXPECT_TRUE(records.empty());
  records.push_back(record(1));
  records.emplace_back() = record(2);
  Records copy = records;
  EXPECT_EQ(&copy[0], &records[0]);
  copy.push_back(record(3));
  EXPECT_NE(&copy[0], &records[0]);
  EXPECT_EQ(records, (Records{record(1), record(2)}));
  EXPECT_EQ(copy, (Records{record(1), record(2), record(3)}));
}

TEST(RecordsTest, WhatIsTakenIsNoOthers) {
  Records records{record(1)};
  const Record* const place = &records[0];
  const Records copy = records;
  EXPECT_EQ(std::move(records).take(), std::vector<Record>{record(1)});
  EXPECT_EQ(copy, Records{record(1)});
  Records last = copy;
  last = Records{record(2)};
  const Record* const own = &last[0];
  const std::vector<Record> taken = std::move(last).take();
  EXPECT_EQ(&taken[0], own) << "without a copy, since nobody shares it";
  EXPECT_EQ(&copy[0], place);
}

}  // namespace
}  // namespace parley::store
