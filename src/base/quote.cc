#include "base/quote.h"

#include <cstdint>
#include <iterator>

#include <fmt/format.h>
#include <utf8.h>

#include "base/json_string.h"

namespace parley {
namespace {

/// Whether `character` acts instead of showing: Unicode's Cc, line separators, and bidirectional controls (UAX 9).
bool acts(std::uint32_t character) {
  return character < 0x20 || (character >= 0x7f && character <= 0x9f) || character == 0x061c ||
         (character >= 0x200e && character <= 0x200f) || (character >= 0x2028 && character <= 0x202e) ||
         (character >= 0x2066 && character <= 0x2069);
}

void append_escape(std::string& out, std::uint32_t character) {
  switch (character) {
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: fmt::format_to(std::back_inserter(out), "\\u{:04x}", character);
  }
}

}  // namespace

std::string escape_controls(std::string_view text) {
  const std::string valid = replace_invalid_utf8(text);
  std::string out;
  out.reserve(valid.size() + 2);
  for (auto at = valid.cbegin(); at != valid.cend();) {
    const auto begin = at;
    const std::uint32_t character = utf8::unchecked::next(at);
    if (acts(character)) {
      append_escape(out, character);
    } else {
      out.append(begin, at);
    }
  }
  return out;
}

std::string quote(std::string_view text) {
  std::string json;
  append_json_string(json, replace_invalid_utf8(text));
  return escape_controls(json);  // what acts on a terminal and stands as it is in JSON
}

}  // namespace parley
