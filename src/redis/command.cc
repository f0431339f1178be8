#include "redis/command.h"

#include <array>
#include <new>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/evp.h>

namespace parley::redis {
namespace {

void add_line(std::string& out, char sign, std::size_t number) {
  const fmt::format_int digits(number);
  out += sign;
  out.append(digits.data(), digits.size()).append("\r\n");
}

}  // namespace

std::string format_command(std::span<const std::string_view> arguments) {
  constexpr std::size_t kAroundEach = 16;  // a sign, a length and two ends of lines
  std::size_t size = kAroundEach;
  for (const std::string_view argument : arguments) size += argument.size() + kAroundEach;
  std::string out;
  out.reserve(size);
  add_line(out, '*', arguments.size());
  for (const std::string_view argument : arguments) {
    add_line(out, '$', argument.size());
    out.append(argument).append("\r\n");
  }
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
