#include "chat/text.h"

#include <cstddef>

#include <utf8.h>

namespace parley {
namespace {

// PropList.txt of the Unicode Character Database; the set has been stable since Unicode 6.3.
bool is_white_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

/// How many bytes at the front are ASCII, of which most texts are made. Written so that the compiler looks at a block
/// with one instruction.
std::ptrdiff_t leading_ascii(std::string_view bytes) {
  constexpr std::size_t kBlock = 16;
  std::size_t at = 0;
  for (; at + kBlock <= bytes.size(); at += kBlock) {
    unsigned char any = 0;
    for (std::size_t i = 0; i < kBlock; ++i) any |= static_cast<unsigned char>(bytes[at + i]);
    if (any >= 0x80) break;
  }
  while (at < bytes.size() && static_cast<unsigned char>(bytes[at]) < 0x80) ++at;
  return static_cast<std::ptrdiff_t>(at);
}

bool is_control(char32_t c) { return c < 0x20 || (c >= 0x7F && c < 0xA0); }

}  // namespace

bool is_utf8(std::string_view bytes) noexcept {
  return utf8::is_valid(bytes.begin() + leading_ascii(bytes), bytes.end());
}

bool has_control(std::string_view utf8) noexcept {
  for (auto it = utf8.begin(); it != utf8.end();) {
    if (is_control(utf8::unchecked::next(it))) return true;
  }
  return false;
}

bool has_outer_white_space(std::string_view utf8) noexcept {
  if (utf8.empty()) return false;
  auto first = utf8.begin();
  auto last = utf8.end();
  return is_white_space(utf8::unchecked::next(first)) || is_white_space(utf8::unchecked::prior(last));
}

}  // namespace parley
