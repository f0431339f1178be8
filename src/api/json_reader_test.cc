#include "api/json_reader.h"

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley::api {
namespace {

using namespace std::string_view_literals;

struct Call {
  std::string chat = {};
  std::int64_t cursor = 0;
  std::int32_t limit = 0;
  bool reverse = false;

  friend bool operator==(const Call&, const Call&) = default;
};

Result<Call> read(std::string_view json) {
  Call call;
  std::array fields = {Field{"chat", &call.chat}, Field{"cursor", &call.cursor}, Field{"limit", &call.limit},
                       Field{"reverse", &call.reverse}};
  if (auto read = read_json(json, fields); !read) return std::unexpected(std::move(read.error()));
  return call;
}

struct Case {
  std::string_view json;
  Call call;
};

void expect_all(std::span<const Case> cases) {
  for (const Case& test : cases) {
    const auto call = read(test.json);
    ASSERT_TRUE(call) << test.json << ": " << call.error().detail;
    EXPECT_EQ(*call, test.call) << test.json;
  }
}

void expect_malformed(std::span<const std::string_view> cases) {
  for (const std::string_view json : cases) {
    const auto call = read(json);
    ASSERT_FALSE(call) << json;
    EXPECT_EQ(call.error().code, ErrorCode::kMalformedRequest) << json;
    EXPECT_FALSE(call.error().detail.empty());
  }
}

TEST(JsonReader, SetsTheFieldsThatItNames) {
  expect_all(std::array{
      Case{"{}", {}},
      Case{" \t\r\n{ } \n", {}},
      Case{R"({"chat":"a:b","cursor":5,"limit":-2,"reverse":true})", {"a:b", 5, -2, true}},
      Case{R"({"chat":""})", {}},
      Case{R"({"reverse":false})", {}},
      Case{R"({"cursor":9223372036854775807})", {.cursor = 9223372036854775807}},
      Case{R"({"cursor":-9223372036854775808})", {.cursor = std::numeric_limits<std::int64_t>::min()}},
      Case{R"({"limit":2147483647})", {.limit = 2147483647}},
      Case{R"({"cursor":-0})", {}},
  });
}

TEST(JsonReader, MatchesNamesInAnyCaseAndHoweverSpelled) {
  expect_all(std::array{
      Case{R"({"Chat":"a","CURSOR":1,"lImIt":2,"Reverse":true})", {"a", 1, 2, true}},
      Case{R"({"\u0063h\u0041t":"a"})", {.chat = "a"}},
      Case{R"({"chat ":"a","cha":"b","":"c","chatt":"d"})", {}},
      Case{"{\"\xc4\x8dhat\":\"a\"}", {}},
  });
}

TEST(JsonReader, SetsAFieldHoweverLongItsName) {
  std::string text;
  std::string other;
  std::array fields = {Field{"a_name_that_is_longer_than_most", &text}, Field{"x", &other}};
  ASSERT_TRUE(
      read_json(R"({"a_name_that_is_longer_than_most":"a","A_Name_That_Is_Longer_Than_Most_":"b","x":"c"})", fields));
  EXPECT_EQ(text, "a");
  EXPECT_EQ(other, "c");
  ASSERT_TRUE(read_json(R"({"a_name_that_is_longer_than_m\u006fst":"d"})", fields));
  EXPECT_EQ(text, "d");
}

TEST(JsonReader, TakesTheLastOfARepeatedNameAcrossSpellings) {
  expect_all(std::array{
      Case{R"({"chat":"a","chat":"b"})", {.chat = "b"}},
      Case{R"({"chat":"a","CHAT":"b","Chat":""})", {}},
      Case{R"({"chat":"longer\nwith escape","chat":"b"})", {.chat = "b"}},
      Case{R"({"limit":1,"Limit":"2"})", {.limit = 2}},
      Case{R"({"reverse":true,"reverse":false})", {}},
  });
}

TEST(JsonReader, TakesNullAsAbsent) {
  expect_all(std::array{
      Case{R"({"chat":null,"cursor":null,"limit":null,"reverse":null})", {}},
      Case{R"({"chat":"a","chat":null})", {.chat = "a"}},
  });
}

TEST(JsonReader, SkipsUnknownNamesWhateverTheyHold) {
  expect_all(std::array{
      Case{R"({"x":{"chat":"no","y":[{"cursor":1}]},"chat":"a","z":[1,2.5,1e400,"s",true,null,[]]})", {.chat = "a"}},
      Case{R"({"x":18446744073709551616,"y":-1e-9,"":"","a_name_longer_than_any_of_ours":{"limit":3}})", {}},
      Case{R"({"chat":"a","x":{}})", {.chat = "a"}},
      Case{R"({"x":"chat","chat":"a","y":"\u0000"})", {.chat = "a"}},
  });
}

TEST(JsonReader, TakesIntegersInStrings) {
  expect_all(std::array{
      Case{R"({"cursor":"5","limit":"-7"})", {.cursor = 5, .limit = -7}},
      Case{R"({"cursor":"\u0035"})", {.cursor = 5}},
      Case{R"({"cursor":"9223372036854775807"})", {.cursor = 9223372036854775807}},
  });
  expect_malformed(std::array{R"({"cursor":""})"sv, R"({"cursor":" 5"})"sv, R"({"cursor":"5.0"})"sv,
                              R"({"limit":"2147483648"})"sv, R"({"cursor":"9223372036854775808"})"sv});
}

TEST(JsonReader, UnescapesStrings) {
  expect_all(std::array{
      Case{R"({"chat":"\"\\\/\b\f\n\r\t"})", {.chat = "\"\\/\b\f\n\r\t"}},
      Case{R"({"chat":"\u0000z"})", {.chat = {"\0z", 2}}},
      Case{R"({"chat":"\ud83d\udc0e \u017e"})", {.chat = "🐎 ž"}},
      Case{"{\"chat\":\"🐎 ž \x7f\"}", {.chat = "🐎 ž \x7f"}},
  });
  std::string text;
  std::string json = R"({"chat":")";
  for (int i = 0; i < 5000; ++i) {
    text += "abc\n";
    json += i % 2 == 0 ? "abc\\n" : "ab\\u0063\\u000a";
  }
  const auto call = read(json + "\"}");
  ASSERT_TRUE(call);
  EXPECT_EQ(call->chat, text);
}

TEST(JsonReader, RefusesAFieldOfTheWrongType) {
  expect_malformed(std::array{R"({"chat":5})"sv, R"({"chat":true})"sv, R"({"chat":{}})"sv, R"({"chat":["a"]})"sv,
                              R"({"chat":1.5})"sv, R"({"cursor":true})"sv, R"({"cursor":{}})"sv, R"({"cursor":[]})"sv,
                              R"({"reverse":1})"sv, R"({"reverse":"true"})"sv, R"({"reverse":[true]})"sv});
}

TEST(JsonReader, RefusesANumberThatIsNoIntegerOrOutOfRange) {
  expect_malformed(std::array{R"({"cursor":1.0})"sv, R"({"cursor":1e3})"sv, R"({"cursor":0.5})"sv,
                              R"({"cursor":-0.0})"sv, R"({"limit":2147483648})"sv, R"({"limit":-2147483649})"sv,
                              R"({"cursor":9223372036854775808})"sv, R"({"cursor":-9223372036854775809})"sv,
                              R"({"cursor":1e400})"sv});
}

TEST(JsonReader, RefusesWhatIsNotOneJsonObject) {
  expect_malformed(std::array{""sv,
                              " "sv,
                              "[]"sv,
                              "null"sv,
                              "true"sv,
                              "5"sv,
                              "1.5"sv,
                              "18446744073709551615"sv,
                              "\"chat\""sv,
                              "[{}]"sv,
                              "{"sv,
                              "{}}"sv,
                              "{}{}"sv,
                              "{} x"sv,
                              "{},"sv,
                              "{,}"sv,
                              R"({"chat":"a",})"sv,
                              R"({"chat" "a"})"sv,
                              R"({chat:"a"})"sv,
                              R"({'chat':'a'})"sv,
                              R"({"chat":"a)"sv,
                              R"({"chat":"a"})"
                              "\0"sv,
                              R"({"chat":"a"} // comment)"sv,
                              R"({/**/})"sv,
                              "\xef\xbb\xbf{}"sv,
                              "{\"chat\":\"a\nb\"}"sv,
                              R"({"cursor":01})"sv,
                              R"({"cursor":+1})"sv,
                              R"({"cursor":NaN})"sv,
                              R"({"cursor":.5})"sv,
                              R"({"chat":"\x"})"sv,
                              R"({"chat":"\u12"})"sv,
                              R"({"reverse":True})"sv});
}

TEST(JsonReader, RefusesInvalidUtf8AndLoneSurrogatesAnywhere) {
  expect_malformed(std::array{"{\"chat\":\"\xff\"}"sv, "{\"chat\":\"\xc0\x80\"}"sv, "{\"chat\":\"\xed\xa0\x80\"}"sv,
                              "{\"chat\":\"\xf4\x90\x80\x80\"}"sv, "{\"chat\":\"\xc3\"}"sv, "{\"x\":\"\xff\"}"sv,
                              "{\"\xff\":1}"sv, R"({"chat":"\ud83d"})"sv, R"({"chat":"\udc0e"})"sv,
                              R"({"chat":"\ud83d\ud83d"})"sv, R"({"chat":"\ud83dx"})"sv, R"({"x":"\ud800"})"sv,
                              R"({"\udfff":0})"sv});
}

TEST(JsonReader, SaysWhatIsWrongAndAtWhichByte) {
  struct Wrong {
    std::string_view json;
    std::string_view detail;
  };
  for (const auto& [json, detail] : {
           Wrong{"{\"text\":\"caf\xe9\"}", "byte 13 is not UTF-8"},
           Wrong{"{\"text\":\"caf\xc3\"}", "byte 13 is not UTF-8"},
           Wrong{"{\"text\":\"caf\xc3", "byte 13 is not UTF-8"},
           Wrong{"{\"x\":1,} \xff", "syntax error at byte 8"},
           Wrong{R"({"text":"\ud83d"})", R"(the \u escape at byte 10 is half of a surrogate pair)"},
           Wrong{R"({"text":"\uD83Dx"})", R"(the \u escape at byte 10 is half of a surrogate pair)"},
           Wrong{R"({"text":"\ud83d\n"})", R"(is half of a surrogate pair)"},
           Wrong{R"({"text":"\ud83d\ud83d"})", R"(is half of a surrogate pair)"},
           Wrong{R"({"text":"\udc0e"})", R"(at byte 10 is half of a surrogate pair)"},
           Wrong{R"({"text":"\ud8zz"})", "expected hex digit at byte 14"},
           Wrong{"", "it ends too early, after 0 bytes"},
           Wrong{R"({"text":"a)", "it ends too early, after 10 bytes"},
           Wrong{R"({"a":1} {)", "something follows it at byte 9"},
           Wrong{"{'a':1}", "syntax error at byte 2"},
       }) {
    const auto call = read(json);
    ASSERT_FALSE(call) << json;
    EXPECT_THAT(call.error().detail, testing::StartsWith("the body is not JSON: ")) << json;
    EXPECT_THAT(call.error().detail, testing::HasSubstr(detail)) << json;
  }
}

TEST(JsonReader, BoundsTheNesting) {
  const auto nested = [](std::size_t depth) {
    return R"({"x":)" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
  };
  EXPECT_TRUE(read(nested(kMaxJsonDepth)));
  EXPECT_FALSE(read(nested(kMaxJsonDepth + 1)));
  EXPECT_FALSE(read(nested(1'000'000)));
}

}  // namespace
}  // namespace parley::api
