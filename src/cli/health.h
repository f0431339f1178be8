// `parley health`
#pragma once

#include <chrono>

#include "http/client/server_url.h"

namespace parley::cli {

struct HealthCommand {
  http::ServerUrl url;  ///< of the admin listener
  std::chrono::milliseconds timeout{5'000};
  bool live = false;  ///< whether it lives, rather than whether it is ready
};

/// Asks once. Prints one word, or one line of error. Returns the process' exit code: 0 where the answer is yes, else 1.
[[nodiscard]] int run(const HealthCommand& command);

}  // namespace parley::cli
