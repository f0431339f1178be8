#include "base/error.h"

#include <set>

#include <gtest/gtest.h>

namespace parley {
namespace {

TEST(ErrorTable, NumbersAndNamesAreUnique) {
  std::set<std::int32_t> numbers;
  std::set<std::string_view> names;
  for (const ErrorInfo& row : kErrorTable) {
    EXPECT_GT(static_cast<std::int32_t>(row.code), 0);
    EXPECT_TRUE(numbers.insert(static_cast<std::int32_t>(row.code)).second) << row.name;
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_EQ(error_info(row.code).name, row.name);
    EXPECT_EQ(error_numbered(static_cast<std::int32_t>(row.code)), &row);
    EXPECT_EQ(error_named(row.name), &row);
  }
}

TEST(ErrorTable, EndsAtItsLastRow) {
  const auto behind = static_cast<std::int64_t>(kErrorTable.size()) + 1;
  for (const std::int64_t number : {std::int64_t{0}, std::int64_t{-1}, behind}) {
    EXPECT_EQ(error_numbered(number), nullptr) << number;
    EXPECT_EQ(error_info(static_cast<ErrorCode>(number)).name, "internal") << number;
  }
  EXPECT_EQ(error_named(""), nullptr);
  EXPECT_EQ(error_named("no_such_error"), nullptr);
}

TEST(ErrorTable, StatusesAreErrors) {
  for (const ErrorInfo& row : kErrorTable) {
    EXPECT_GE(row.http_status, 400) << row.name;
    EXPECT_LT(row.http_status, 600) << row.name;
    EXPECT_FALSE(row.title.empty()) << row.name;
  }
}

}  // namespace
}  // namespace parley
