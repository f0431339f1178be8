// The log: one line an event on standard error, as text or as JSON.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace parley {

enum class LogFormat { kText, kJson };
enum class LogLevel { kDebug, kInfo, kWarn, kError };

/// A named value beside the message; in text it follows as `key=value`. One without a name is left out.
struct LogField {
  std::string_view key;
  std::string_view value;
};

/// Call once, before the first line; until then the format is text and the level info.
void configure_log(LogFormat format, LogLevel level);

/// Whether a line of this level would be written: ask before building an expensive one. Any thread.
[[nodiscard]] bool log_enabled(LogLevel level) noexcept;

// One line each. Any thread. A write that fails is dropped: logging never stops the server.
void log_debug(std::string_view message, std::initializer_list<LogField> fields = {});
void log_info(std::string_view message, std::initializer_list<LogField> fields = {});
void log_warn(std::string_view message, std::initializer_list<LogField> fields = {});
void log_error(std::string_view message, std::initializer_list<LogField> fields = {});

/// Failures come in floods: lets a few lines through each second. One thread.
class LogRate {
 public:
  /// Whether one more line may be logged this second.
  [[nodiscard]] bool may_log() noexcept;

 private:
  std::int64_t second_ = 0;
  int logged_ = 0;
};

}  // namespace parley
