#include "base/units.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <span>
#include <system_error>

namespace parley {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

constexpr std::array kDurationUnits = {Unit{"us", 1},         Unit{"ms", 1'000},        Unit{"s", 1'000'000},
                                       Unit{"m", 60'000'000}, Unit{"h", 3'600'000'000}, Unit{"d", 86'400'000'000}};
constexpr std::array kSizeUnits = {Unit{"", 1}, Unit{"KiB", 1 << 10}, Unit{"MiB", 1 << 20}, Unit{"GiB", 1 << 30}};

/// Reads `text` as a number and one of `units`.
std::optional<std::int64_t> parse(std::string_view text, std::span<const Unit> units) noexcept {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || number < 0 || text.front() == '-') return std::nullopt;
  const std::string_view name(rest, static_cast<std::size_t>(end - rest));
  for (const Unit& unit : units) {
    if (unit.name != name) continue;
    std::int64_t product = 0;
    if (__builtin_mul_overflow(number, unit.factor, &product)) return std::nullopt;
    return product;
  }
  return std::nullopt;
}

std::string format(std::int64_t value, std::span<const Unit> units) {
  const Unit* best = &units.front();
  for (const Unit& unit : units) {
    if (value % unit.factor == 0 && value >= unit.factor) best = &unit;
  }
  return std::to_string(value / best->factor).append(best->name);
}

}  // namespace

std::optional<std::chrono::microseconds> parse_duration(std::string_view text) noexcept {
  if (text == "0") return std::chrono::microseconds(0);
  const auto value = parse(text, kDurationUnits);
  if (!value) return std::nullopt;
  return std::chrono::microseconds(*value);
}

std::optional<std::size_t> parse_size(std::string_view text) noexcept {
  const auto value = parse(text, kSizeUnits);
  if (!value) return std::nullopt;
  return static_cast<std::size_t>(*value);
}

std::string format_duration(std::chrono::microseconds duration) {
  if (duration.count() == 0) return "0s";
  return format(duration.count(), std::span(kDurationUnits).first(5));
}

std::string format_size(std::size_t bytes) { return format(static_cast<std::int64_t>(bytes), kSizeUnits); }

}  // namespace parley
