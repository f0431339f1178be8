#include "api/fields.h"

#include <array>
#include <optional>
#include <type_traits>
#include <utility>

#include <boost/beast/core/string.hpp>
#include <fmt/format.h>

#include "base/parse_number.h"

namespace parley::api {
namespace {

std::string_view type_name(const Field& field) noexcept {
  static constexpr std::array<std::string_view, 4> kNames = {"a string", "a 64-bit integer", "a 32-bit integer",
                                                             "a boolean"};
  static_assert(kNames.size() == std::variant_size_v<decltype(field.target)>, "each type has a name");
  return kNames[field.target.index()];
}

}  // namespace

std::optional<bool> parse_bool(std::string_view text) noexcept {
  using boost::beast::iequals;
  if (text == "1" || iequals(text, "true")) return true;
  if (text == "0" || iequals(text, "false")) return false;
  return std::nullopt;
}

std::unexpected<Error> wrong_type(const Field& field) {
  return fail(ErrorCode::kMalformedRequest, fmt::format("{} is not {}", field.name, type_name(field)));
}

Result<void> set_integer(Field& field, std::int64_t value) {
  if (auto* const wide = std::get_if<std::int64_t*>(&field.target)) {
    **wide = value;
  } else if (auto* const narrow = std::get_if<std::int32_t*>(&field.target)) {
    if (!std::in_range<std::int32_t>(value)) return wrong_type(field);
    **narrow = static_cast<std::int32_t>(value);
  } else {
    return wrong_type(field);
  }
  field.present = true;
  return {};
}

Result<void> set_bool(Field& field, bool value) {
  auto* const target = std::get_if<bool*>(&field.target);
  if (target == nullptr) return wrong_type(field);
  **target = value;
  field.present = true;
  return {};
}

Result<void> set_string(Field& field, std::string value) {
  if (auto* const target = std::get_if<std::string*>(&field.target)) {
    **target = std::move(value);
    field.present = true;
    return {};
  }
  const auto integer = parse_number<std::int64_t>(value);
  if (!integer) return wrong_type(field);
  return set_integer(field, *integer);
}

Result<void> set_text(Field& field, std::string value) {
  if (!std::holds_alternative<bool*>(field.target)) return set_string(field, std::move(value));
  const auto boolean = parse_bool(value);
  if (!boolean) return wrong_type(field);
  return set_bool(field, *boolean);
}

void mark_present(std::span<Field> fields) noexcept {
  for (Field& field : fields) {
    field.present = std::visit([](const auto* target) { return *target != std::remove_cvref_t<decltype(*target)>{}; },
                               field.target);
  }
}

}  // namespace parley::api
