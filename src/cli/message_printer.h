// How `parley pull` writes a message.
#pragma once

#include <cstdint>
#include <string>

#include "cli/api_client.h"

namespace parley::cli {

struct PrintStyle {
  bool json = false;      ///< one JSON object a line
  bool terminal = false;  ///< text that could act on a terminal is escaped, line breaks too
  bool colour = false;
};

/// The message's line, with its line break. As JSON: chat, text, sender, send_time.
[[nodiscard]] std::string render(const PulledMessage& message, const PrintStyle& style);

/// Microseconds since 1970 as 2026-01-02T03:04:05.678901Z.
[[nodiscard]] std::string render_time(std::int64_t microseconds);

}  // namespace parley::cli
