#include "redis/command.h"

#include <array>
#include <new>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <hiredis/hiredis.h>
#include <openssl/evp.h>

namespace parley::redis {

std::string format_command(std::span<const std::string_view> arguments) {
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  texts.reserve(arguments.size());
  sizes.reserve(arguments.size());
  for (const std::string_view argument : arguments) {
    texts.push_back(argument.data());
    sizes.push_back(argument.size());
  }
  // Its own string: the other function prints each length with printf, which takes twice as long.
  sds formatted = nullptr;
  const auto size =
      redisFormatSdsCommandArgv(&formatted, static_cast<int>(arguments.size()), texts.data(), sizes.data());
  if (size < 0) throw std::bad_alloc();  // its only error
  std::string out(formatted, static_cast<std::size_t>(size));
  redisFreeSdsCommand(formatted);
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
