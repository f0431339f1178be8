// Parameters from a JSON object.
#pragma once

#include <span>
#include <string_view>

#include "api/fields.h"
#include "base/error.h"

namespace parley::api {

/// How deep objects and arrays may stand in each other, the outermost counted.
inline constexpr std::size_t kMaxJsonDepth = 32;

/// Sets `fields` from the members of the object that `text` is (RFC 8259), without building it.
///
/// Names match in any ASCII case; of a repeated one the last counts; other names are skipped whatever they hold; null
/// is as if the member were not there. Integers may also stand in a string; a number with a fraction or an exponent is
/// not an integer. kMalformedRequest for anything that is not exactly one JSON object in UTF-8 (no byte order mark), a
/// lone surrogate, too deep a nesting, or a value of the wrong type. The detail says which, and at which byte reading
/// stopped; the first byte is byte 1. After a failure the fields hold anything.
[[nodiscard]] Result<void> read_json(std::string_view text, std::span<Field> fields);

}  // namespace parley::api
