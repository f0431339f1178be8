#include "redis/command.h"

#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/evp.h>

namespace parley::redis {
namespace {

// Of the wire's form (https://redis.io/docs/reference/protocol-spec).
constexpr std::string_view kEnd = "\r\n";
constexpr std::size_t kMaxHead = 24;  // of a text: its mark, its size, and two ends of lines

/// Adds `mark`, a number and the end of its line.
void append_size(std::string& out, char mark, std::size_t size) {
  const fmt::format_int digits(size);
  std::array<char, kMaxHead> line{mark};
  char* const end = std::ranges::copy(digits.data(), digits.data() + digits.size(), line.data() + 1).out;
  out.append(line.data(), std::ranges::copy(kEnd, end).out);
}

void append_bulk(std::string& out, std::string_view bytes) {
  append_size(out, '$', bytes.size());
  out.append(bytes);
  out.append(kEnd);
}

}  // namespace

std::string format_command(std::span<const std::string_view> arguments) {
  std::size_t size = kMaxHead;
  for (const std::string_view argument : arguments) size += kMaxHead + argument.size();
  std::string out;
  out.reserve(size);
  append_size(out, '*', arguments.size());
  for (const std::string_view argument : arguments) append_bulk(out, argument);
  return out;
}

void ScriptCall::clear() noexcept {
  keys_.clear();
  arguments_.clear();
  key_count_ = 0;
  argument_count_ = 0;
}

void ScriptCall::add_key(std::string_view key) {
  append_bulk(keys_, key);
  ++key_count_;
}

void ScriptCall::add_argument(std::string_view argument) {
  append_bulk(arguments_, argument);
  ++argument_count_;
}

void ScriptCall::add_argument(std::int64_t argument) {
  const fmt::format_int digits(argument);
  add_argument(std::string_view(digits.data(), digits.size()));
}

std::size_t ScriptCall::add_argument_of(std::size_t bytes) {
  append_size(arguments_, '$', bytes);
  const std::size_t place = arguments_.size();
  arguments_.append(bytes, '\0');
  arguments_.append(kEnd);
  ++argument_count_;
  return place;
}

void ScriptCall::set_argument(std::size_t place, std::string_view argument) noexcept {
  std::ranges::copy(argument, arguments_.begin() + static_cast<std::ptrdiff_t>(place));
}

std::string ScriptCall::format(std::string_view command, std::string_view script) const {
  constexpr std::size_t kWords = 3;  // before the keys
  const fmt::format_int count(key_count_);
  std::string out;
  out.reserve((kWords + 1) * kMaxHead + command.size() + script.size() + count.size() + keys_.size() +
              arguments_.size());
  append_size(out, '*', kWords + key_count_ + argument_count_);
  append_bulk(out, command);
  append_bulk(out, script);
  append_bulk(out, {count.data(), count.size()});
  out.append(keys_);
  out.append(arguments_);
  return out;
}

Script::Script(std::string source) : source_(std::move(source)) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (EVP_Digest(source_.data(), source_.size(), digest.data(), &size, EVP_sha1(), nullptr) != 1) {
    throw std::bad_alloc();
  }
  sha1_ = fmt::format("{:02x}", fmt::join(digest.begin(), digest.begin() + size, ""));
}

}  // namespace parley::redis
