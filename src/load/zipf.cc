#include "load/zipf.h"

#include <algorithm>
#include <cmath>

namespace parley::load {

ZipfTable::ZipfTable(std::size_t count, double exponent) : cumulated_(count) {
  double sum = 0;
  for (std::size_t n = 0; n < count; ++n) {
    sum += std::pow(static_cast<double>(n + 1), -exponent);
    cumulated_[n] = sum;
  }
}

std::size_t ZipfTable::at(double share) const noexcept {
  const auto found = std::ranges::upper_bound(cumulated_, share * cumulated_.back());
  return std::min<std::size_t>(static_cast<std::size_t>(found - cumulated_.begin()), cumulated_.size() - 1);
}

}  // namespace parley::load
