// Numbers in texts that come from elsewhere.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace parley {

/// The number that `text` is, in its whole length, as std::from_chars() reads it: without a plus, a prefix or white
/// space. Nothing if it is none, or none that a Number can be. Any thread.
template <class Number>
[[nodiscard]] std::optional<Number> parse_number(std::string_view text) noexcept {
  Number value{};
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || rest != end) return std::nullopt;
  return value;
}

}  // namespace parley
