// JSON strings (RFC 8259), written straight into a string.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace parley {

// A JSON string of `utf8`, which must be well-formed: quotation marks, backslashes and the characters below U+0020 are
// escaped, the shortest way; everything else stands as it is.

/// How many bytes it takes, quotation marks included.
[[nodiscard]] std::size_t json_string_size(std::string_view utf8) noexcept;

/// Writes it to `out`, which has room for json_string_size(), and returns its end.
[[nodiscard]] char* put_json_string(char* out, std::string_view utf8) noexcept;

void append_json_string(std::string& out, std::string_view utf8);

/// `bytes` with whatever is not well-formed UTF-8 replaced by U+FFFD: for texts that come from outside unchecked.
[[nodiscard]] std::string replace_invalid_utf8(std::string_view bytes);

}  // namespace parley
