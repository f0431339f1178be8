// The log: one line an event on standard error, as text or as JSON.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace parley {

enum class LogFormat { kText, kJson };
enum class LogLevel { kDebug, kInfo, kWarn, kError };

/// A named value beside the message. In text it follows as `key=value`. One without a name is left out.
struct LogField {
  std::string_view key;
  std::string_view value;
};

/// Call once, before the first line. Until then the format is text and the level info.
void configure_log(LogFormat format, LogLevel level);

/// Whether a line of this level would be written: ask before building an expensive one. Any thread.
[[nodiscard]] bool log_enabled(LogLevel level) noexcept;

// One line each. Any thread. It returns at once, even if nobody reads standard error: a thread of its own writes the
// lines, in order. Of those that nobody reads it keeps a mebibyte. It drops the others, and says later how many.
void log_debug(std::string_view message, std::initializer_list<LogField> fields = {});
void log_info(std::string_view message, std::initializer_list<LogField> fields = {});
void log_warn(std::string_view message, std::initializer_list<LogField> fields = {});
void log_error(std::string_view message, std::initializer_list<LogField> fields = {});

/// Writes `line` as it is, and a line break, behind the lines so far. For the end of the process, which is no event.
void log_verbatim(std::string_view line);

/// Returns when all lines are written, or `patience` is over. Call before the process ends.
void flush_log(std::chrono::milliseconds patience);

/// The same for a handler of a signal that ends the process.
void flush_log_in_signal_handler() noexcept;

/// Lines that were dropped so far, because nobody read them or a write failed.
[[nodiscard]] std::uint64_t dropped_log_lines() noexcept;

}  // namespace parley
