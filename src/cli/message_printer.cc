#include "cli/message_printer.h"

#include <chrono>
#include <ctime>

#include <boost/json.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "base/quote.h"

namespace parley::cli {

std::string render_time(std::int64_t microseconds) {
  const std::time_t seconds = microseconds / 1'000'000;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fmt::gmtime(seconds), microseconds % 1'000'000);
}

std::string render(const PulledMessage& message, const PrintStyle& style) {
  if (style.json) {
    return boost::json::serialize(boost::json::object{{"chat", message.chat},
                                                      {"text", message.text},
                                                      {"sender", message.sender},
                                                      {"send_time", message.send_time}}) +
           "\n";
  }
  const std::string time = render_time(message.send_time);
  const std::string sender = style.terminal ? escape_controls(message.sender) : message.sender;
  const std::string text = style.terminal ? escape_controls(message.text) : message.text;
  if (style.colour) return fmt::format("\x1b[2m{}\x1b[0m \x1b[1m{}\x1b[0m: {}\n", time, sender, text);
  return fmt::format("{} {}: {}\n", time, sender, text);
}

}  // namespace parley::cli
