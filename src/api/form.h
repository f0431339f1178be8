// Parameters from a query string or a form.
#pragma once

#include <span>
#include <string_view>

#include "api/fields.h"
#include "base/error.h"

namespace parley::api {

/// Sets those of `fields` that are not present yet from `form`, an application/x-www-form-urlencoded text (WHATWG URL,
/// §5.1: pairs are parted by '&', '+' is a space).
///
/// Of a repeated name the last counts; other names are skipped; a number or boolean without a value is as if it were
/// not there, since a web form cannot leave a field out. Strings are bytes: whether they are UTF-8 is for the field's
/// own check. kMalformedRequest for a '%' without two hexadecimal digits anywhere, and for a value of the wrong type.
[[nodiscard]] Result<void> read_form(std::string_view form, std::span<Field> fields);

}  // namespace parley::api
