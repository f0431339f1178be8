#include "load/answer.h"

#include <charconv>

#include <boost/beast/core/string.hpp>
#include <fmt/format.h>

namespace parley::load {
namespace {

template <class Number>
std::optional<Number> number_at(std::string_view text) {
  Number value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || rest == text.data()) return std::nullopt;
  return value;
}

void read_field(std::string_view line, AnswerHead& head) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  const std::string_view name = line.substr(0, colon);
  std::string_view value = line.substr(colon + 1);
  while (value.starts_with(' ')) value.remove_prefix(1);
  if (boost::beast::iequals(name, "content-length")) head.content_length = number_at<std::size_t>(value);
  if (boost::beast::iequals(name, "connection")) head.close = boost::beast::iequals(value, "close");
  if (boost::beast::iequals(name, "parley-code")) head.code = value;
  if (boost::beast::iequals(name, "parley-durability")) head.durability = value;
}

std::string member(std::string_view name) { return fmt::format("\"{}\":", name); }

}  // namespace

std::optional<AnswerHead> read_head(std::string_view input) {
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  const std::size_t end = input.find("\r\n\r\n");
  if (end == std::string_view::npos) return std::nullopt;
  AnswerHead head{.size = end + 4};
  if (!input.starts_with(kVersion)) return head;
  head.status = number_at<unsigned>(input.substr(kVersion.size())).value_or(0);
  for (std::size_t at = input.find("\r\n"); at < end;) {
    const std::size_t next = input.find("\r\n", at + 2);
    read_field(input.substr(at + 2, next - at - 2), head);
    at = next;
  }
  return head;
}

// A quote inside of a JSON string is escaped, so that what is looked for begins only where a member does.

std::optional<std::int64_t> last_number(std::string_view json, std::string_view name) {
  const std::string wanted = member(name);
  const std::size_t at = json.rfind(wanted);
  if (at == std::string_view::npos) return std::nullopt;
  return number_at<std::int64_t>(json.substr(at + wanted.size()));
}

std::vector<std::int64_t> send_times(std::string_view page) {
  static const std::string wanted = member("send_time");
  std::vector<std::int64_t> out;
  for (std::size_t at = page.find(wanted); at != std::string_view::npos; at = page.find(wanted, at + 1)) {
    out.push_back(number_at<std::int64_t>(page.substr(at + wanted.size())).value_or(0));
  }
  return out;
}

}  // namespace parley::load
