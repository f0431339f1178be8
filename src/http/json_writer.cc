#include "http/json_writer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstdint>
#include <cstring>
#include <iterator>

#include <utf8.h>

namespace parley::http {
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

/// The high bit of each byte of `word` that must be escaped is set; of the bytes above the lowest such one it may be
/// wrong (Warren, Hacker's Delight, §6-1).
std::uint64_t escape_bits(std::uint64_t word) noexcept {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kHighs = 0x8080808080808080;
  const std::uint64_t quote = word ^ (kOnes * '"');
  const std::uint64_t backslash = word ^ (kOnes * '\\');
  const std::uint64_t control = (word - kOnes * 0x20) & ~word;
  return (((quote - kOnes) & ~quote) | ((backslash - kOnes) & ~backslash) | control) & kHighs;
}

/// The index of the first byte from `from` on that must be escaped, or the size. Most texts have none, so eight bytes
/// are looked at together.
std::size_t find_escape(std::string_view text, std::size_t from) noexcept {
  if constexpr (std::endian::native == std::endian::little) {
    for (; from + 8 <= text.size(); from += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, text.data() + from, 8);
      const std::uint64_t bits = escape_bits(word);
      if (bits != 0) return from + static_cast<std::size_t>(std::countr_zero(bits)) / 8;
    }
  }
  while (from < text.size() && escape_of(text[from]) == 0) ++from;
  return from;
}

}  // namespace

std::size_t json_string_size(std::string_view utf8) noexcept {
  std::size_t size = utf8.size() + 2;
  for (std::size_t i = find_escape(utf8, 0); i < utf8.size(); i = find_escape(utf8, i + 1)) {
    size += escape_of(utf8[i]) == 'u' ? 5 : 1;
  }
  return size;
}

char* put_json_string(char* out, std::string_view utf8) noexcept {
  *out++ = '"';
  std::size_t begin = 0;
  for (std::size_t i = find_escape(utf8, 0); i < utf8.size(); i = find_escape(utf8, begin)) {
    out = std::copy_n(utf8.data() + begin, i - begin, out);
    const char escape = escape_of(utf8[i]);
    *out++ = '\\';
    *out++ = escape;
    if (escape == 'u') {
      const auto byte = static_cast<unsigned char>(utf8[i]);
      for (const char digit : {'0', '0', kHex[byte >> 4], kHex[byte & 15]}) *out++ = digit;
    }
    begin = i + 1;
  }
  out = std::copy_n(utf8.data() + begin, utf8.size() - begin, out);
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

}  // namespace parley::http
