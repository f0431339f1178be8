#include "http/wire/response_writer.h"

#include <boost/beast/http/status.hpp>
#include <fmt/format.h>

namespace parley::http {
namespace {

void write_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

void write_status_line(std::string& out, int status) {
  if (status == 200) {
    out += "HTTP/1.1 200 OK\r\n";
    return;
  }
  const std::string_view reason =
      boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(static_cast<unsigned>(status)));
  out.append("HTTP/1.1 ").append(fmt::format_int(status).c_str()).append(" ").append(reason).append("\r\n");
}

}  // namespace

std::string keep_alive_lines(std::chrono::milliseconds idle_timeout) {
  using std::chrono::seconds;
  std::string lines = "Connection: keep-alive\r\n";
  const seconds timeout = std::chrono::floor<seconds>(idle_timeout) - seconds(1);
  if (timeout > seconds(0)) lines += fmt::format("Keep-Alive: timeout={}\r\n", timeout.count());
  return lines;
}

void write_header(std::string& out, const Response& response, const ResponseFrame& frame) {
  write_status_line(out, response.status);
  write_field(out, "Date", frame.date);
  if (!response.content_type.empty()) write_field(out, "Content-Type", response.content_type);
  // RFC 9110, 8.6: never with a 204; and with a 304 it would speak of what is not sent.
  if (response.status != 204 && response.status != 304) {
    const fmt::format_int length(response.body.size());
    write_field(out, "Content-Length", {length.data(), length.size()});
  }
  out += frame.connection;
  write_field(out, "Cache-Control", response.cache_control);
  write_field(out, "Vary", frame.vary);
  if (!frame.request_id.empty()) write_field(out, "X-Request-Id", frame.request_id);
  for (const auto& [name, value] : response.headers) write_field(out, name, value);
  out.append(frame.cors).append("\r\n");
}

std::string_view DateCache::now() {
  const std::time_t now = std::time(nullptr);
  if (now == second_) return text_;
  second_ = now;
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm utc{};
  gmtime_r(&now, &utc);
  text_ = fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[utc.tm_wday], utc.tm_mday, kMonths[utc.tm_mon],
                      utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
  return text_;
}

}  // namespace parley::http
