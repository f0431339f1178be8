// Numbers of seven bits a byte, the lowest first. The eighth bit says that more follow (protobuf's "Base 128 Varints").
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace parley {

inline constexpr std::size_t kMaxVarintBytes = 10;  ///< of 64 bits

[[nodiscard]] constexpr std::size_t varint_size(std::uint64_t value) noexcept {
  std::size_t size = 1;
  for (; value >= 0x80; value >>= 7U) ++size;
  return size;
}

/// Writes varint_size() bytes, and returns how many these are.
constexpr std::size_t write_varint(std::uint64_t value, char* out) noexcept {
  std::size_t size = 0;
  for (; value >= 0x80; value >>= 7U) out[size++] = static_cast<char>(value | 0x80U);
  out[size++] = static_cast<char>(value);
  return size;
}

inline void append_varint(std::string& out, std::uint64_t value) {
  std::array<char, kMaxVarintBytes> bytes{};
  out.append(bytes.data(), write_varint(value, bytes.data()));
}

/// Takes the number that `bytes` begins with. Nothing, and nothing is taken, if it is cut off, has more than 64 bits,
/// or is written longer than need be: each number has one form.
[[nodiscard]] constexpr std::optional<std::uint64_t> take_varint(std::string_view& bytes) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size() && i < kMaxVarintBytes; ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    if (i + 1 == kMaxVarintBytes && byte > 1) return std::nullopt;
    value |= std::uint64_t{byte & 0x7fU} << (7 * i);
    if (byte >= 0x80) continue;
    if (byte == 0 && i > 0) return std::nullopt;
    bytes.remove_prefix(i + 1);
    return value;
  }
  return std::nullopt;
}

}  // namespace parley
