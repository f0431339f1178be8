// What a Redis server is asked.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace parley::redis {

/// A command in the wire's form: {"XADD", key, id, …}. Arguments may hold any byte.
[[nodiscard]] std::string format_command(std::span<const std::string_view> arguments);
[[nodiscard]] inline std::string format_command(std::initializer_list<std::string_view> arguments) {
  return format_command(std::span(arguments.begin(), arguments.size()));
}

/// A Lua script and the SHA-1 of its source, by which EVALSHA knows it. Immutable; kept for as long as calls use it.
class Script {
 public:
  explicit Script(std::string source);

  [[nodiscard]] const std::string& source() const noexcept { return source_; }
  [[nodiscard]] const std::string& sha1() const noexcept { return sha1_; }

 private:
  std::string source_;
  std::string sha1_;  // in hex
};

}  // namespace parley::redis
