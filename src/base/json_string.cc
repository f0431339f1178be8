#include "base/json_string.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <iterator>

#include <utf8.h>

namespace parley {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

/// What each byte becomes: 0 as it is, 'u' a \u00XX, anything else the letter after the backslash.
constexpr auto kEscapes = [] {
  std::array<char, 256> table{};
  for (std::size_t c = 0; c < 0x20; ++c) table[c] = 'u';
  table['\b'] = 'b';
  table['\f'] = 'f';
  table['\n'] = 'n';
  table['\r'] = 'r';
  table['\t'] = 't';
  table['"'] = '"';
  table['\\'] = '\\';
  return table;
}();

char escape_of(char c) noexcept { return kEscapes[static_cast<unsigned char>(c)]; }

constexpr std::ptrdiff_t kBlock = 16;

/// Written so that the compiler turns it into a few vector instructions.
bool block_has_escape(const char* block) noexcept {
  unsigned char found = 0;
  for (std::ptrdiff_t i = 0; i < kBlock; ++i) {
    const auto c = static_cast<unsigned char>(block[i]);
    found |= static_cast<unsigned char>((c < 0x20) | (c == '"') | (c == '\\'));
  }
  return found != 0;
}

/// The first character from `at` on that must be escaped, or `end`. Most texts have none, so a block is looked at
/// together.
const char* find_escape(const char* at, const char* end) noexcept {
  while (end - at >= kBlock && !block_has_escape(at)) at += kBlock;
  while (at != end && escape_of(*at) == 0) ++at;
  return at;
}

}  // namespace

std::size_t json_string_size(std::string_view utf8) noexcept {
  const char* const begin = utf8.data();
  const char* const end = begin + utf8.size();
  std::size_t size = utf8.size() + 2;
  for (const char* at = find_escape(begin, end); at != end; at = find_escape(at + 1, end)) {
    size += escape_of(*at) == 'u' ? 5 : 1;
  }
  return size;
}

char* put_json_string(char* out, std::string_view utf8) noexcept {
  const char* begin = utf8.data();
  const char* const end = begin + utf8.size();
  *out++ = '"';
  for (const char* at = find_escape(begin, end); at != end; at = find_escape(begin, end)) {
    out = std::copy(begin, at, out);
    const char escape = escape_of(*at);
    *out++ = '\\';
    *out++ = escape;
    if (escape == 'u') {
      const auto byte = static_cast<unsigned char>(*at);
      for (const char digit : {'0', '0', kHex[byte >> 4], kHex[byte & 15]}) *out++ = digit;
    }
    begin = at + 1;
  }
  out = std::copy(begin, end, out);
  *out++ = '"';
  return out;
}

void append_json_string(std::string& out, std::string_view utf8) {
  const std::size_t size = out.size();
  out.resize(size + json_string_size(utf8));
  [[maybe_unused]] const char* const end = put_json_string(out.data() + size, utf8);
  assert(end == out.data() + out.size());
}

std::string replace_invalid_utf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  utf8::replace_invalid(bytes.begin(), bytes.end(), std::back_inserter(out));
  return out;
}

}  // namespace parley
