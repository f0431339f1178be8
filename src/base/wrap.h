// Text in lines that fit a terminal or a page.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace parley {

inline constexpr std::size_t kTerminalWidth = 100;
inline constexpr std::size_t kPageWidth = 120;

/// `text` in lines of at most `width` columns, each after `indent` spaces and with its line break. A word that is wider
/// than a line has one of its own. Words are parted by white space. Columns are counted in code points.
[[nodiscard]] std::string wrapped(std::string_view text, std::size_t indent, std::size_t width = kTerminalWidth);

/// A row of help: `left` after two spaces, and `right` beside it, or below it if `left` is long.
[[nodiscard]] std::string in_columns(std::string_view left, std::string_view right);

/// `text` as a terminal shows it, which knows no Markdown.
[[nodiscard]] std::string without_backticks(std::string_view text);

}  // namespace parley
