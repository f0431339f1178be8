// What Unicode says of a string.
#pragma once

#include <string_view>

namespace parley {

/// Whether `bytes` is well-formed UTF-8 (RFC 3629: no surrogates, nothing overlong, at most U+10FFFF).
[[nodiscard]] bool is_utf8(std::string_view bytes) noexcept;

/// Whether any character of `utf8`, which must be well-formed, is a control character (general category Cc).
[[nodiscard]] bool has_control(std::string_view utf8) noexcept;

/// Whether the first or last character of `utf8`, which must be well-formed, has the property White_Space.
[[nodiscard]] bool has_outer_white_space(std::string_view utf8) noexcept;

}  // namespace parley
