#include "base/log.h"

#include <chrono>
#include <ctime>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <unistd.h>

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include "base/line_writer.h"
#include "base/quote.h"

namespace parley {
namespace {

LogFormat g_format = LogFormat::kText;

// The clock and the level's filter are spdlog's; the rest of the line comes ready made.
constexpr const char* kTextPattern = "%Y-%m-%dT%H:%M:%S.%eZ %v";
constexpr const char* kJsonPattern = R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ",%v})";

void say_dropped(std::uint64_t lines) {
  log_warn("lines of this log were dropped: nobody read it, or it could not be written",
           {{"lines", std::to_string(lines)}});
}

// This and the logger are never destroyed: threads may log while the process ends.
LineWriter& writer() {
  static LineWriter& instance = *new LineWriter(STDERR_FILENO, say_dropped);
  return instance;
}

class WriterSink final : public spdlog::sinks::base_sink<std::mutex> {
 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    writer().write(std::string(line.data(), line.size()));
  }
  void flush_() override {}
};

spdlog::logger& logger() {
  static spdlog::logger& instance = [] -> spdlog::logger& {
    auto& made = *new spdlog::logger("parley", std::make_shared<WriterSink>());
    made.set_pattern(kTextPattern, spdlog::pattern_time_type::utc);
    made.set_error_handler([](const std::string&) {});  // a line that cannot be made is not the server's end
    return made;
  }();
  return instance;
}

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return spdlog::level::debug;
    case LogLevel::kInfo: return spdlog::level::info;
    case LogLevel::kWarn: return spdlog::level::warn;
    case LogLevel::kError: return spdlog::level::err;
  }
  return spdlog::level::info;
}

struct LevelName {
  std::string_view text;
  std::string_view json;
};

LevelName name_of(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return {"DEBUG", "debug"};
    case LogLevel::kInfo: return {"INFO", "info"};
    case LogLevel::kWarn: return {"WARN", "warn"};
    case LogLevel::kError: return {"ERROR", "error"};
  }
  return {"INFO", "info"};
}

/// A value of `key=value`: bare where that is clear, else quoted.
std::string text_value(std::string_view value) {
  if (value.empty() || value.find_first_of(" \"=\\") != std::string_view::npos || escape_controls(value) != value) {
    return quote(value);
  }
  return std::string(value);
}

std::string text_line(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  std::string line(name_of(level).text);
  line.append(" ").append(escape_controls(message));
  for (const LogField& field : fields) {
    if (field.key.empty()) continue;
    line.append(" ").append(field.key).append("=").append(text_value(field.value));
  }
  return line;
}

std::string json_line(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  std::string line = R"("level":")";
  line.append(name_of(level).json).append(R"(","message":)").append(quote(message));
  for (const LogField& field : fields) {
    if (field.key.empty()) continue;
    line.append(",").append(quote(field.key)).append(":").append(quote(field.value));
  }
  return line;
}

void write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) noexcept {
  try {
    if (!log_enabled(level)) return;
    logger().log(to_spdlog(level), "{}",
                 g_format == LogFormat::kJson ? json_line(level, message, fields) : text_line(level, message, fields));
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): without memory the line is lost, not the server
  }
}

}  // namespace

void configure_log(LogFormat format, LogLevel level) {
  g_format = format;
  logger().set_pattern(format == LogFormat::kJson ? kJsonPattern : kTextPattern, spdlog::pattern_time_type::utc);
  logger().set_level(to_spdlog(level));
}

bool log_enabled(LogLevel level) noexcept { return logger().should_log(to_spdlog(level)); }

void log_debug(std::string_view message, std::initializer_list<LogField> fields) {
  write(LogLevel::kDebug, message, fields);
}
void log_info(std::string_view message, std::initializer_list<LogField> fields) {
  write(LogLevel::kInfo, message, fields);
}
void log_warn(std::string_view message, std::initializer_list<LogField> fields) {
  write(LogLevel::kWarn, message, fields);
}
void log_error(std::string_view message, std::initializer_list<LogField> fields) {
  write(LogLevel::kError, message, fields);
}

void log_verbatim(std::string_view line) { writer().write(std::string(line) + '\n'); }

void flush_log(std::chrono::milliseconds patience) { writer().flush(patience); }

void flush_log_in_signal_handler() noexcept {
  constexpr int kLooks = 200;
  constexpr timespec kBetween{.tv_sec = 0, .tv_nsec = 1'000'000};
  for (int i = 0; i < kLooks && writer().waiting() > 0; ++i) ::nanosleep(&kBetween, nullptr);
}

std::uint64_t dropped_log_lines() noexcept { return writer().dropped(); }

}  // namespace parley
