#include "api/form.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace parley::api {
namespace {

struct Call {
  std::string chat = {};
  std::int64_t cursor = 0;
  std::int32_t limit = 0;
  bool reverse = false;

  friend bool operator==(const Call&, const Call&) = default;
};

Result<Call> read(std::string_view form, Call call = {}) {
  std::array fields = {Field{"chat", &call.chat}, Field{"cursor", &call.cursor}, Field{"limit", &call.limit},
                       Field{"reverse", &call.reverse}};
  mark_present(fields);
  if (auto read = read_form(form, fields); !read) return std::unexpected(std::move(read.error()));
  return call;
}

struct Case {
  std::string_view form;
  Call call;
};

TEST(Form, SetsTheFieldsThatItNames) {
  const Case cases[] = {
      {"", {}},
      {"&&=&=x&x", {}},
      {"chat=a:b", {.chat = "a:b"}},
      {"chat=a%3Ab&cursor=5&limit=-2&reverse=TRUE", {"a:b", 5, -2, true}},
      {"chat=a%3ab", {.chat = "a:b"}},
      {"chat=a+b%2B%20c", {.chat = "a b+ c"}},
      {"chat=a=b", {.chat = "a=b"}},
      {"chat", {}},
      {"chat=x&chat=", {}},
      {"%63hat=a:b", {.chat = "a:b"}},
      {"Chat=a:b", {}},
      {"chat=%ff%00z", {.chat = {"\xff\0z", 3}}},
      {"chat=\xc3", {.chat = "\xc3"}},
      {"unknown=1&chat=a&other[]=%7B", {.chat = "a"}},
      {"cursor=1&cursor=2", {.cursor = 2}},
      {"cursor=x&cursor=2", {.cursor = 2}},
      {"cursor=2&cursor=", {.cursor = 2}},
      {"cursor=&limit=&reverse=&chat=a", {.chat = "a"}},
      {"cursor&limit&reverse", {}},
      {"reverse=1&reverse=0", {}},
      {"cursor=9223372036854775807&limit=%2D2147483648", {.cursor = 9223372036854775807, .limit = -2147483648}},
  };
  for (const Case& test : cases) {
    const auto call = read(test.form);
    ASSERT_TRUE(call) << test.form << ": " << call.error().detail;
    EXPECT_EQ(*call, test.call) << test.form;
  }
}

TEST(Form, SetsAsManyFieldsAsThereAre) {
  std::array<std::int64_t, 20> values{};
  std::vector<std::string> names;
  std::string form;
  for (std::size_t i = 0; i < values.size(); ++i) {
    names.push_back("field" + std::to_string(i));
    form += names.back() + "=" + std::to_string(i + 1) + "&";
  }
  std::vector<Field> fields;
  for (std::size_t i = 0; i < values.size(); ++i) fields.push_back({names[i], &values[i]});
  ASSERT_TRUE(read_form(form, fields));
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ(values[i], static_cast<std::int64_t>(i) + 1);
}

TEST(Form, AFieldKeepsNothingOfAFormThatWasReadBefore) {
  std::string chat;
  std::array fields = {Field{"chat", &chat}};
  ASSERT_TRUE(read_form("chat=first", fields));
  fields[0].present = false;
  ASSERT_TRUE(read_form("other=x", fields));
  EXPECT_FALSE(fields[0].present);
}

TEST(Form, IsMalformedWhereItCannotBeRead) {
  for (const std::string_view form :
       {"chat=%", "chat=%4", "chat=%4g", "chat=%g4", "chat=%%41", "x=100%&chat=a", "chat=a%2", "%=1", "cursor=x",
        "cursor=1.0", "cursor=1e3", "cursor=+5", "limit=2147483648", "cursor=9223372036854775808", "reverse=yes",
        "reverse=2", "limit=5&limit=x", "chat=a&limit=%20"}) {
    const auto call = read(form);
    ASSERT_FALSE(call) << form;
    EXPECT_EQ(call.error().code, ErrorCode::kMalformedRequest) << form;
  }
}

TEST(Form, LeavesAloneWhatIsPresent) {
  const auto call = read("chat=x&cursor=5&limit=y", {.chat = "body", .limit = 3});
  ASSERT_TRUE(call);
  EXPECT_EQ(*call, (Call{.chat = "body", .cursor = 5, .limit = 3}));
}

}  // namespace
}  // namespace parley::api
