// Standard output and standard error, as the commands use them.
#pragma once

#include <string_view>

namespace parley {

/// Writes all of `text`. It waits for the reader as long as it takes, even if writes to `descriptor` do not block.
/// Returns false if that failed. errno says why.
[[nodiscard]] bool write_all(int descriptor, std::string_view text);

/// Writes all of `text` to standard output. Returns false if that failed. errno says why (EPIPE: nobody reads any
/// more).
[[nodiscard]] bool write_output(std::string_view text);

/// `parley: MESSAGE` on standard error.
void print_error(std::string_view message);

[[nodiscard]] bool output_is_terminal();
[[nodiscard]] bool error_is_terminal();

/// Whether colour is wanted on standard output: a terminal, and no NO_COLOR (no-color.org).
[[nodiscard]] bool output_has_colour();

}  // namespace parley
