// Whether a store, or the service in front of it, can answer.
#pragma once

#include <string>
#include <utility>

#include "base/error.h"

namespace parley {

/// What can succeed now. Writes never can where reads cannot.
struct Health {
  bool reads = true;
  bool writes = true;
  std::string why_not{};  ///< why something cannot, for a person; empty while everything can

  [[nodiscard]] static Health nothing(std::string why) { return {false, false, std::move(why)}; }
  [[nodiscard]] static Health only_reads(std::string why) { return {true, false, std::move(why)}; }

  /// kUnavailable, with why not, unless everything can succeed.
  [[nodiscard]] Result<void> check() const {
    if (writes) return {};
    return fail(ErrorCode::kUnavailable, why_not);
  }
};

}  // namespace parley
