#include "base/random_id.h"

#include <random>

#include <fmt/format.h>

namespace parley {

std::string random_id(std::size_t bytes) {
  std::random_device random;
  std::string id;
  for (std::size_t i = 0; i < bytes; ++i) id += fmt::format("{:02x}", random() & 0xff);
  return id;
}

}  // namespace parley
