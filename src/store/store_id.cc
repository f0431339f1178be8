#include "store/store_id.h"

#include <random>

#include <fmt/format.h>

namespace parley::store {

std::string make_store_id() {
  std::random_device random;
  std::string id;
  for (int i = 0; i < 4; ++i) id += fmt::format("{:08x}", random());
  return id;
}

}  // namespace parley::store
