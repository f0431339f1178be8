// Integers as the wire has them: big-endian.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace parley::rpc {

// The first bytes of `bytes`, which must have as many.
[[nodiscard]] inline std::uint16_t load_u16(std::string_view bytes) noexcept {
  return static_cast<std::uint16_t>((static_cast<unsigned char>(bytes[0]) << 8) | static_cast<unsigned char>(bytes[1]));
}
[[nodiscard]] inline std::uint32_t load_u32(std::string_view bytes) noexcept {
  return (std::uint32_t{load_u16(bytes)} << 16) | load_u16(bytes.substr(2));
}

inline void append_u16(std::string& out, std::uint16_t value) {
  out += static_cast<char>(value >> 8);
  out += static_cast<char>(value & 0xff);
}
inline void append_u32(std::string& out, std::uint32_t value) {
  append_u16(out, static_cast<std::uint16_t>(value >> 16));
  append_u16(out, static_cast<std::uint16_t>(value & 0xffff));
}

}  // namespace parley::rpc
