// Durations and sizes as operators write them: `500ms`, `2s`, `24h`; `4096`, `64KiB`.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace parley {

/// A whole number and its unit, `us`, `ms`, `s`, `m`, `h` or `d`. A bare `0` needs no unit. Nothing if `text` is
/// anything else or does not fit.
[[nodiscard]] std::optional<std::chrono::microseconds> parse_duration(std::string_view text) noexcept;

/// A whole number of bytes, or of `KiB`, `MiB` or `GiB`. Nothing if `text` is anything else or does not fit.
[[nodiscard]] std::optional<std::size_t> parse_size(std::string_view text) noexcept;

// The shortest exact spelling, in the largest unit that divides the value (no `d`: hours are as clear).
[[nodiscard]] std::string format_duration(std::chrono::microseconds duration);
[[nodiscard]] std::string format_size(std::size_t bytes);

}  // namespace parley
