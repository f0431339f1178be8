#include "api/form.h"

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

namespace parley::api {
namespace {

/// The value of a hexadecimal digit, or -1.
int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  if (lower >= 'a' && lower <= 'f') return lower - 'a' + 10;
  return -1;
}

}  // namespace

Result<void> check_percents(std::string_view form) {
  for (std::size_t i = form.find('%'); i != std::string_view::npos; i = form.find('%', i + 3)) {
    if (form.size() - i >= 3 && hex_digit(form[i + 1]) >= 0 && hex_digit(form[i + 2]) >= 0) continue;
    return fail(ErrorCode::kMalformedRequest, "a % in the query or form is not followed by two hexadecimal digits");
  }
  return {};
}

std::string decode_form(std::string_view encoded) {
  std::string out;
  out.reserve(encoded.size());
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    if (encoded[i] == '%') {
      out += static_cast<char>(hex_digit(encoded[i + 1]) * 16 + hex_digit(encoded[i + 2]));
      i += 2;
    } else {
      out += encoded[i] == '+' ? ' ' : encoded[i];
    }
  }
  return out;
}

bool spells(std::string_view encoded, std::string_view name) {
  if (encoded.size() > 3 * name.size()) return false;
  return encoded == name || (encoded.contains('%') && decode_form(encoded) == name);
}

Result<void> read_form(std::string_view form, std::span<Field> fields) {
  if (auto whole = check_percents(form); !whole) return whole;
  for_each_pair(form, [fields](std::string_view name, std::string_view value) {
    for (Field& field : fields) {
      if (!spells(name, field.name)) continue;
      if (!value.empty() || field.is_string()) field.encoded = value;
      return;
    }
  });
  for (Field& field : fields) {
    const auto encoded = std::exchange(field.encoded, std::nullopt);
    if (!encoded || field.present) continue;
    if (auto set = set_text(field, decode_form(*encoded)); !set) return set;
  }
  return {};
}

}  // namespace parley::api
