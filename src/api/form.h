// Parameters from a query string or a form.
#pragma once

#include <cstddef>
#include <span>
#include <string>
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

// For other readers of forms.

/// kMalformedRequest for a '%' without two hexadecimal digits.
[[nodiscard]] Result<void> check_percents(std::string_view form);
/// Calls `take(name, value)` with each pair of `form`, still encoded.
template <class Take>
void for_each_pair(std::string_view form, Take take) {
  while (!form.empty()) {
    const std::size_t end = form.find('&');
    const std::string_view pair = form.substr(0, end);
    const std::size_t equals = pair.find('=');
    take(pair.substr(0, equals), equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1));
    form.remove_prefix(end == std::string_view::npos ? form.size() : end + 1);
  }
}
/// Whether `encoded` says `name`.
[[nodiscard]] bool spells(std::string_view encoded, std::string_view name);
/// `encoded`, decoded. Every '%' must have its two digits.
[[nodiscard]] std::string decode_form(std::string_view encoded);

}  // namespace parley::api
