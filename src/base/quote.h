// Foreign text made fit for one line of a log, an error message or a terminal.
#pragma once

#include <string>
#include <string_view>

namespace parley {

/// `text` without characters that could act on a terminal or break a line. Those are spelled out as in JSON (`\n`,
/// `\u001b`): control characters, separators of lines and paragraphs, and marks that change the direction of writing.
/// Each run of bytes that is not UTF-8 becomes U+FFFD. Quotes and backslashes stay.
[[nodiscard]] std::string escape_controls(std::string_view text);

/// `text` as a JSON string, quotes included: as above, with quotes and backslashes escaped too.
[[nodiscard]] std::string quote(std::string_view text);

}  // namespace parley
