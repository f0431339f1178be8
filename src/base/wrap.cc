#include "base/wrap.h"

#include <algorithm>

namespace parley {
namespace {

constexpr std::size_t kSecondColumn = 32;

std::size_t columns(std::string_view text) {
  const auto begins = [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; };
  return static_cast<std::size_t>(std::ranges::count_if(text, begins));
}

}  // namespace

std::string wrapped(std::string_view text, std::size_t indent, std::size_t width) {
  constexpr std::string_view kSpace = " \n";
  std::string out;
  std::size_t used = 0;  // columns of the last line
  for (std::size_t begin = text.find_first_not_of(kSpace); begin != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(kSpace, begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    begin = text.find_first_not_of(kSpace, end);
    if (used > 0 && used + 1 + columns(word) <= width) {
      out += ' ';
      used += 1 + columns(word);
    } else {
      if (used > 0) out += '\n';
      out.append(indent, ' ');
      used = indent + columns(word);
    }
    out += word;
  }
  if (!out.empty()) out += '\n';
  return out;
}

std::string in_columns(std::string_view left, std::string_view right) {
  std::string first = "  " + std::string(left);
  std::string second = wrapped(right, kSecondColumn);
  if (second.empty()) return first + "\n";
  if (columns(first) + 2 > kSecondColumn) return first + "\n" + second;
  return second.replace(0, columns(first), first);
}

std::string without_backticks(std::string_view text) {
  std::string out(text);
  std::erase(out, '`');
  return out;
}

}  // namespace parley
