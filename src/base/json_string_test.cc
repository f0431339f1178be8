#include "base/json_string.h"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>
#include <utf8.h>

namespace parley {
namespace {

using namespace std::string_view_literals;

std::string written(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  EXPECT_EQ(json_string_size(text), out.size());
  return out;
}

TEST(JsonString, EscapesWhatRfc8259SaysAndNothingElse) {
  EXPECT_EQ(written(""), R"("")");
  EXPECT_EQ(written("plain"), R"("plain")");
  EXPECT_EQ(written("\"\\/"), R"("\"\\/")");
  EXPECT_EQ(written("\b\f\n\r\t"), R"("\b\f\n\r\t")");
  EXPECT_EQ(written("\0\x01\x1f\x7f"sv), "\"\\u0000\\u0001\\u001f\x7f\"");
  EXPECT_EQ(written("žluťoučký 🐎 \u2028"), "\"žluťoučký 🐎 \u2028\"");
}

TEST(JsonString, FindsAnEscapeAtEveryOffset) {
  for (int special = 0; special < 128; ++special) {
    for (std::size_t offset = 0; offset < 40; ++offset) {
      std::string text(40, 'x');
      text[offset] = static_cast<char>(special);
      if (offset + 1 < text.size()) text[offset + 1] = '!';
      const boost::json::value parsed = boost::json::parse(written(text));
      EXPECT_EQ(std::string_view(parsed.as_string()), text) << special << " at " << offset;
    }
  }
}

TEST(JsonString, LeavesEveryCharacterOfUnicodeAsItWas) {
  for (const std::string_view text :
       {"\xc2\x80"sv, "\xdf\xbf"sv, "\xe0\xa0\x80"sv, "\xef\xbf\xbf"sv, "\xf4\x8f\xbf\xbf"sv}) {
    EXPECT_EQ(written(text), "\"" + std::string(text) + "\"");
  }
}

TEST(JsonString, ReplacesWhatIsNotUtf8) {
  EXPECT_EQ(replace_invalid_utf8("fine ž"), "fine ž");
  for (const std::string_view bytes :
       {"a\xff"sv, "a\xc3"sv, "\xed\xa0\x80"sv, "\xf0\x9f\x90"sv, "\xc0\x80"sv, "\xe2\x28\xa1"sv}) {
    const std::string replaced = replace_invalid_utf8(bytes);
    EXPECT_TRUE(utf8::is_valid(replaced.begin(), replaced.end()));
    EXPECT_NE(replaced.find("\ufffd"), std::string::npos);
  }
}

}  // namespace
}  // namespace parley
