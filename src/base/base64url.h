// Bytes as text that needs no escaping in a URL (RFC 4648, section 5).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace parley {

/// Without padding.
[[nodiscard]] std::string base64url(std::string_view bytes);

/// Nothing unless `text` is what base64url() makes of some bytes: no padding, no other character, no stray bits.
[[nodiscard]] std::optional<std::string> from_base64url(std::string_view text);

}  // namespace parley
