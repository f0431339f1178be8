#include "load/ledger.h"

#include <charconv>

#include <fmt/format.h>

namespace parley::load {
namespace {

// mark: 8 hexadecimal digits of the run, 3 of the worker and 8 of the number, each behind a '-'.
constexpr std::size_t kWorkerAt = 9;
constexpr std::size_t kNumberAt = 13;
constexpr std::size_t kMarkSize = 21;
static_assert(kMarkSize < Texts::kLeast);

std::optional<std::uint32_t> hexadecimal(std::string_view digits) {
  std::uint32_t value = 0;
  const auto [rest, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (error != std::errc{} || rest != digits.data() + digits.size()) return std::nullopt;
  return value;
}

}  // namespace

Texts::Texts(std::uint32_t run, std::size_t bytes) : prefix_(fmt::format("{:08x}-", run)), bytes_(bytes) {}

std::string Texts::mark(SendName name) const {
  return fmt::format("{}{:03x}-{:08x}", prefix_, name.worker, name.number);
}

std::string Texts::text(SendName name) const {
  std::string out = mark(name);
  out.resize(bytes_, 'x');
  return out;
}

std::optional<SendName> Texts::owner(std::string_view text) const {
  if (text.size() < kMarkSize || !text.starts_with(prefix_)) return std::nullopt;
  const auto worker = hexadecimal(text.substr(kWorkerAt, kNumberAt - kWorkerAt - 1));
  const auto number = hexadecimal(text.substr(kNumberAt, kMarkSize - kNumberAt));
  if (!worker || !number) return std::nullopt;
  return SendName{*worker, *number};
}

std::string chat_name(std::size_t number) { return fmt::format("u{0:06}:v{0:06}", number); }
std::string member_name(std::size_t number) { return fmt::format("u{:06}", number); }

}  // namespace parley::load
