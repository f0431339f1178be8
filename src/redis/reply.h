// What a Redis server answers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace parley::redis {

/// One value of RESP2 (https://redis.io/docs/reference/protocol-spec). Owns its bytes.
struct Reply {
  enum class Type : std::uint8_t { kNil, kInteger, kString, kStatus, kError, kArray };

  Type type = Type::kNil;
  std::int64_t integer = 0;       ///< of kInteger
  std::string text{};             ///< of kString, kStatus and kError
  std::vector<Reply> elements{};  ///< of kArray

  [[nodiscard]] bool is_error() const noexcept { return type == Type::kError; }
};

}  // namespace parley::redis
