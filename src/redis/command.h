// What a Redis server is asked.
#pragma once

#include <cstddef>
#include <cstdint>
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

/// The keys and arguments of a script, written as they go over the wire. They may hold any byte.
class ScriptCall {
 public:
  void clear() noexcept;
  /// The next key. All are in one slot.
  void add_key(std::string_view key);
  void add_argument(std::string_view argument);
  void add_argument(std::int64_t argument);
  /// The next argument, of so many bytes. Returns its place: set_argument() says later what they are.
  [[nodiscard]] std::size_t add_argument_of(std::size_t bytes);
  void set_argument(std::size_t place, std::string_view argument) noexcept;

  [[nodiscard]] std::size_t keys() const noexcept { return key_count_; }
  [[nodiscard]] std::size_t arguments() const noexcept { return argument_count_; }

  /// The command that runs `script` by `command`: EVALSHA and its SHA-1, or EVAL and its source.
  [[nodiscard]] std::string format(std::string_view command, std::string_view script) const;

 private:
  std::string keys_;
  std::string arguments_;
  std::size_t key_count_ = 0;
  std::size_t argument_count_ = 0;
};

}  // namespace parley::redis
