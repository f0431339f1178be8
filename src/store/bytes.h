// Keys, and times in them, as bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/container/small_vector.hpp>
#include <boost/endian/conversion.hpp>

namespace parley::store {

/// A key of a message or of a page, without an allocation for the usual lengths.
using KeyBuffer = boost::container::small_vector<char, 192>;

inline constexpr std::size_t kTimeBytes = sizeof(std::int64_t);  ///< big-endian

/// Writes kTimeBytes.
inline void store_time(char* out, std::int64_t time) {
  boost::endian::store_big_s64(reinterpret_cast<unsigned char*>(out), time);
}

template <class Bytes>
void append_time(Bytes& out, std::int64_t time) {
  const std::size_t at = out.size();
  out.resize(at + kTimeBytes);
  store_time(out.data() + at, time);
}

[[nodiscard]] inline std::int64_t load_time(const char* bytes) {
  return boost::endian::load_big_s64(reinterpret_cast<const unsigned char*>(bytes));
}

[[nodiscard]] inline std::string encode_time(std::int64_t time) {
  std::string out;
  append_time(out, time);
  return out;
}

/// Nothing if `bytes` are no time.
[[nodiscard]] inline std::optional<std::int64_t> decode_time(std::string_view bytes) {
  if (bytes.size() != kTimeBytes) return std::nullopt;
  return load_time(bytes.data());
}

}  // namespace parley::store
