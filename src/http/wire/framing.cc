#include "http/wire/framing.h"

#include <algorithm>
#include <array>

#include <boost/beast/core/string.hpp>

namespace parley::http {
namespace {

constexpr std::array<bool, 256> characters(std::string_view others) {
  std::array<bool, 256> table{};
  for (char c = '0'; c <= '9'; ++c) table[static_cast<unsigned char>(c)] = true;
  for (char c = 'a'; c <= 'z'; ++c) table[static_cast<unsigned char>(c)] = true;
  for (char c = 'A'; c <= 'Z'; ++c) table[static_cast<unsigned char>(c)] = true;
  for (const char c : others) table[static_cast<unsigned char>(c)] = true;
  return table;
}

constexpr auto kToken = characters("!#$%&'*+-.^_`|~");
// RFC 3986, 3.2.2: reg-name, its percent signs taken as they stand.
constexpr auto kHostName = characters("-._~%!$&'()*+,;=");

bool all_of(std::string_view text, const std::array<bool, 256>& table) {
  return std::ranges::all_of(text, [&](char c) { return table[static_cast<unsigned char>(c)]; });
}

bool is_port(std::string_view text) {
  return text.size() <= 5 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool is_ip_literal(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return c == ':' || kHostName[static_cast<unsigned char>(c)]; });
}

std::unexpected<Error> malformed(std::string detail) { return fail(ErrorCode::kMalformedRequest, std::move(detail)); }

/// What follows the authority of an absolute form.
Result<Target> parse_absolute(std::string_view rest) {
  const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
  const std::string_view authority = rest.substr(0, end);
  if (authority.empty() || !is_host(authority)) return malformed("the authority in the request target is invalid");
  Target target{authority, "/", {}};
  rest.remove_prefix(end);
  const std::size_t mark = std::min(rest.find('?'), rest.size());
  if (mark > 0) target.path = rest.substr(0, mark);
  if (mark < rest.size()) target.query = rest.substr(mark + 1);
  return target;
}

}  // namespace

bool is_token(std::string_view text) noexcept { return !text.empty() && all_of(text, kToken); }

bool is_field_text(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

bool is_host(std::string_view text) noexcept {
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos || !is_ip_literal(text.substr(1, end - 1))) return false;
    const std::string_view rest = text.substr(end + 1);
    return rest.empty() || (rest.front() == ':' && is_port(rest.substr(1)));
  }
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos && !is_port(text.substr(colon + 1))) return false;
  return all_of(text.substr(0, colon), kHostName);
}

Result<void> check_field_line(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    return malformed("a field line is not a name, a colon and a value");
  }
  if (!is_field_text(line.substr(colon + 1))) return malformed("a field's value has a control character in it");
  return {};
}

Result<Target> parse_target(std::string_view method, std::string_view target) {
  using boost::beast::iequals;
  if (target.find('#') != std::string_view::npos) return malformed("the request target has a fragment");
  if (target.starts_with('/')) {
    const std::size_t mark = target.find('?');
    if (mark == std::string_view::npos) return Target{{}, target, {}};
    return Target{{}, target.substr(0, mark), target.substr(mark + 1)};
  }
  if (target == "*" && method == "OPTIONS") return Target{{}, target, {}};
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (iequals(target.substr(0, scheme.size()), scheme)) return parse_absolute(target.substr(scheme.size()));
  }
  return malformed("the request target is not a path");
}

}  // namespace parley::http
