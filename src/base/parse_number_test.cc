#include "base/parse_number.h"

#include <cstdint>
#include <limits>

#include <gtest/gtest.h>

namespace parley {
namespace {

TEST(ParseNumber, TheWholeTextIsTheNumber) {
  EXPECT_EQ(parse_number<int>("0"), 0);
  EXPECT_EQ(parse_number<int>("-12"), -12);
  EXPECT_EQ(parse_number<std::uint16_t>("65535"), 65535);
  EXPECT_EQ(parse_number<std::int64_t>("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(parse_number<double>("1.7e+15"), 1.7e15);
  for (const char* const text : {"", " 1", "1 ", "+1", "0x1", "1,2", "one", "99999999999999999999"}) {
    EXPECT_EQ(parse_number<std::int64_t>(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_number<std::uint16_t>("65536"), std::nullopt);
  EXPECT_EQ(parse_number<unsigned>("-1"), std::nullopt);
  EXPECT_EQ(parse_number<int>(std::string_view("1\0", 2)), std::nullopt);
}

}  // namespace
}  // namespace parley
