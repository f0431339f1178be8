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

bool percents_are_whole(std::string_view text) noexcept {
  for (std::size_t i = text.find('%'); i != std::string_view::npos; i = text.find('%', i + 3)) {
    if (text.size() - i < 3 || hex_digit(text[i + 1]) < 0 || hex_digit(text[i + 2]) < 0) return false;
  }
  return true;
}

/// Every '%' must have its two digits.
std::string decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

bool spells(std::string_view encoded, std::string_view name) {
  if (encoded.size() > 3 * name.size()) return false;
  return encoded == name || (encoded.contains('%') && decode(encoded) == name);
}

void keep_pair(std::string_view pair, std::span<Field> fields) {
  const std::size_t equals = pair.find('=');
  const std::string_view name = pair.substr(0, equals);
  const std::string_view value = equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1);
  for (Field& field : fields) {
    if (!spells(name, field.name)) continue;
    if (!value.empty() || field.is_string()) field.encoded = value;
    return;
  }
}

}  // namespace

Result<void> read_form(std::string_view form, std::span<Field> fields) {
  if (!percents_are_whole(form)) {
    return fail(ErrorCode::kMalformedRequest, "a % in the query or form is not followed by two hexadecimal digits");
  }
  while (!form.empty()) {
    const std::size_t end = form.find('&');
    keep_pair(form.substr(0, end), fields);
    form.remove_prefix(end == std::string_view::npos ? form.size() : end + 1);
  }
  for (Field& field : fields) {
    const auto encoded = std::exchange(field.encoded, std::nullopt);
    if (!encoded || field.present) continue;
    if (auto set = set_text(field, decode(*encoded)); !set) return set;
  }
  return {};
}

}  // namespace parley::api
