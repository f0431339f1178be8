#include "base/quote.h"

#include <cstdint>
#include <iterator>

#include <fmt/format.h>
#include <utf8.h>

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

std::string escape(std::string_view text, bool quotes) {
  std::string valid;
  valid.reserve(text.size());
  utf8::replace_invalid(text.begin(), text.end(), std::back_inserter(valid));
  std::string out;
  out.reserve(valid.size() + 2);
  for (auto at = valid.cbegin(); at != valid.cend();) {
    const auto begin = at;
    const std::uint32_t character = utf8::unchecked::next(at);
    if (acts(character)) {
      append_escape(out, character);
      continue;
    }
    if (quotes && (character == '"' || character == '\\')) out += '\\';
    out.append(begin, at);
  }
  return out;
}

}  // namespace

std::string escape_controls(std::string_view text) { return escape(text, false); }

std::string quote(std::string_view text) { return '"' + escape(text, true) + '"'; }

}  // namespace parley
