#include "api/fields.h"

#include <array>
#include <limits>
#include <optional>

#include <gtest/gtest.h>

namespace parley::api {
namespace {

constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

std::optional<std::int64_t> wide(std::string text) {
  std::int64_t value = -7;
  Field field{"cursor", &value};
  const auto set = set_text(field, std::move(text));
  EXPECT_EQ(set.has_value(), field.present);
  if (set) return value;
  EXPECT_EQ(set.error(), (Error{ErrorCode::kMalformedRequest, "cursor is not a 64-bit integer"}));
  return std::nullopt;
}

std::optional<bool> boolean(std::string text) {
  bool value = false;
  Field field{"reverse", &value};
  if (set_text(field, std::move(text))) return value;
  return std::nullopt;
}

TEST(Fields, IntegersInTextAreDecimal) {
  EXPECT_EQ(wide("0"), 0);
  EXPECT_EQ(wide("-0"), 0);
  EXPECT_EQ(wide("007"), 7);
  EXPECT_EQ(wide("9223372036854775807"), kMax);
  EXPECT_EQ(wide("-9223372036854775808"), kMin);
  for (const char* text : {"", "-", "+5", " 5", "5 ", "0x5", "5.0", "5e3", "1_000", "--5", "five",
                           "9223372036854775808", "-9223372036854775809", "99999999999999999999999999"}) {
    EXPECT_EQ(wide(text), std::nullopt) << text;
  }
  EXPECT_EQ(wide(std::string("5\0", 2)), std::nullopt);
}

TEST(Fields, A32BitIntegerHasItsOwnRange) {
  std::int32_t value = 0;
  Field field{"limit", &value};
  EXPECT_TRUE(set_integer(field, 2147483647));
  EXPECT_EQ(value, 2147483647);
  EXPECT_TRUE(set_integer(field, -2147483648LL));
  EXPECT_FALSE(set_integer(field, 2147483648LL));
  EXPECT_FALSE(set_integer(field, -2147483649LL));
  EXPECT_EQ(value, -2147483648LL);
}

TEST(Fields, BooleansInTextAreTrueFalseOneAndZeroInAnyCase) {
  for (const char* text : {"true", "TRUE", "True", "1"}) EXPECT_EQ(boolean(text), true) << text;
  for (const char* text : {"false", "FALSE", "fAlSe", "0"}) EXPECT_EQ(boolean(text), false) << text;
  for (const char* text : {"", "yes", "t", "2", "01", " true"}) EXPECT_EQ(boolean(text), std::nullopt) << text;
}

TEST(Fields, TakeOnlyTheirType) {
  std::string text;
  bool flag = false;
  Field string{"chat", &text};
  Field boolean{"reverse", &flag};
  EXPECT_FALSE(set_integer(string, 1));
  EXPECT_FALSE(set_bool(string, true));
  EXPECT_FALSE(set_integer(boolean, 1));
  EXPECT_FALSE(set_string(boolean, "true"));
  EXPECT_FALSE(string.present || boolean.present);
}

TEST(Fields, ArePresentWhereTheyAreNotTheDefault) {
  std::string text = "x";
  std::int64_t wide_value = 0;
  std::int32_t narrow_value = -1;
  bool flag = false;
  std::array fields = {Field{"a", &text}, Field{"b", &wide_value}, Field{"c", &narrow_value}, Field{"d", &flag}};
  mark_present(fields);
  EXPECT_TRUE(fields[0].present);
  EXPECT_FALSE(fields[1].present);
  EXPECT_TRUE(fields[2].present);
  EXPECT_FALSE(fields[3].present);
}

}  // namespace
}  // namespace parley::api
