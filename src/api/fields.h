// The parameters of a call, whatever encoding they come in.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/error.h"

namespace parley::api {

/// One parameter: its name, and where its value goes.
struct Field {
  std::string_view name;
  std::variant<std::string*, std::int64_t*, std::int32_t*, bool*> target;
  bool present = false;                          ///< a value has been found
  std::optional<std::string_view> encoded = {};  ///< of a form that is being read: the last value so far

  [[nodiscard]] bool is_string() const noexcept { return std::holds_alternative<std::string*>(target); }
};

// Each sets the target and `present`. kMalformedRequest for a value of the wrong type, or outside the integer's range.

[[nodiscard]] Result<void> set_integer(Field& field, std::int64_t value);
[[nodiscard]] Result<void> set_bool(Field& field, bool value);
/// A string field takes `value` as it stands, an integer field in decimal: an optional '-', then digits.
[[nodiscard]] Result<void> set_string(Field& field, std::string value);
/// As set_string(), and a bool field takes true, false, 1 and 0 in any case.
[[nodiscard]] Result<void> set_text(Field& field, std::string value);

/// The failure of a value that `field` does not take: kMalformedRequest.
[[nodiscard]] std::unexpected<Error> wrong_type(const Field& field);

/// What a text says: true, false, 1 or 0 in any case. Nothing if it is none of these.
[[nodiscard]] std::optional<bool> parse_bool(std::string_view text) noexcept;

/// Marks the fields present whose target is not empty, zero or false: for an encoding without presence, like proto3's.
void mark_present(std::span<Field> fields) noexcept;

}  // namespace parley::api
