#include "base/error.h"

#include <set>

#include <gtest/gtest.h>

namespace parley {
namespace {

TEST(ErrorTable, NumbersAndNamesAreUnique) {
  std::set<std::int32_t> numbers;
  std::set<std::string_view> names;
  for (const ErrorInfo& row : error_table()) {
    EXPECT_GT(static_cast<std::int32_t>(row.code), 0);
    EXPECT_TRUE(numbers.insert(static_cast<std::int32_t>(row.code)).second) << row.name;
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_EQ(error_info(row.code).name, row.name);
  }
  EXPECT_EQ(numbers.size(), 22U);
}

TEST(ErrorTable, StatusesAreErrors) {
  for (const ErrorInfo& row : error_table()) {
    EXPECT_GE(row.http_status, 400) << row.name;
    EXPECT_LT(row.http_status, 600) << row.name;
    EXPECT_FALSE(row.title.empty()) << row.name;
  }
}

}  // namespace
}  // namespace parley
