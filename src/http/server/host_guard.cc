#include "http/server/host_guard.h"

#include <algorithm>
#include <utility>

#include <boost/beast/core/string.hpp>
#include <fmt/format.h>

#include "http/wire/framing.h"
#include "net/endpoint.h"

namespace parley::http {
namespace {

using namespace std::string_view_literals;
using boost::beast::iequals;

bool iends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && iequals(text.substr(text.size() - end.size()), end);
}

/// A pattern is a text, or "*." stands in it once, for one name or more.
bool matches(std::string_view pattern, std::string_view text) {
  const std::size_t star = pattern.find("*.");
  if (star == std::string_view::npos) return iequals(pattern, text);
  const std::string_view end = pattern.substr(star + 1);
  return text.size() > star + end.size() && iequals(text.substr(0, star), pattern.substr(0, star)) &&
         iends_with(text, end) && text[star] != '.';
}

/// Whether `text` is one of `list`, whose "*." stands for one name or more in front of a domain.
bool matches_any(const std::vector<std::string>& list, std::string_view text) {
  return std::ranges::any_of(list, [text](const std::string& pattern) { return matches(pattern, text); });
}

/// A Host without its port.
std::string_view name_of(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

/// A name without the dot that makes it absolute, its port kept: "localhost.:80" is "localhost:80".
std::string without_root_dot(std::string_view host) {
  const std::string_view name = name_of(host);
  if (!name.ends_with('.')) return std::string(host);
  return std::string(name.substr(0, name.size() - 1)).append(host.substr(name.size()));
}

/// An origin as browsers write it, without the port that its scheme implies.
std::string_view without_implied_port(std::string_view origin) {
  for (const auto& [scheme, port] : {std::pair{"http://"sv, ":80"sv}, std::pair{"https://"sv, ":443"sv}}) {
    if (iequals(origin.substr(0, scheme.size()), scheme) && origin.ends_with(port)) {
      return origin.substr(0, origin.size() - port.size());
    }
  }
  return origin;
}

}  // namespace

bool is_host_pattern(std::string_view text) noexcept {
  if (text == "*") return true;
  if (text.starts_with("*.")) text.remove_prefix(2);
  return !text.empty() && !text.starts_with('.') && !text.contains('*') && is_host(text);
}

bool is_origin_pattern(std::string_view text) noexcept {
  if (text == "*") return true;
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos || !is_token(text.substr(0, colon))) return false;
  const std::string_view host = text.substr(colon + 3);
  return host != "*" && !host.ends_with(':') && is_host_pattern(host);
}

HostGuard::HostGuard(const HttpOptions& options, bool loopback)
    : any_origin_(matches_any(options.allow_origins, "*")),
      any_host_(!loopback || matches_any(options.allow_hosts, "*")),
      secure_(options.tls != nullptr) {
  for (const std::string& origin : options.allow_origins) allow_origins_.emplace_back(without_implied_port(origin));
  for (const std::string& host : options.allow_hosts) allow_hosts_.push_back(without_root_dot(host));
}

Result<void> HostGuard::check(std::span<const Header> headers, std::string_view host, std::string_view path) const {
  if (!any_host_ && !allows_host(host)) {
    return fail(ErrorCode::kOriginNotAllowed, fmt::format("--allow-host does not name the host '{}'", host));
  }
  bool has_origin = false;
  bool cross_site = false;
  for (const Header& header : headers) {
    if (header.name.size() == 6 && iequals(header.name, "Origin")) {
      if (!allows_origin(header.value, host)) {
        return fail(ErrorCode::kOriginNotAllowed,
                    fmt::format("--allow-origin does not name the origin '{}'", header.value));
      }
      has_origin = true;
    } else if (header.name.size() == 14 && iequals(header.name, "Sec-Fetch-Site")) {
      cross_site |= iequals(header.value, "cross-site");
    }
  }
  if (cross_site && !has_origin && path.starts_with("/api/")) {
    return fail(ErrorCode::kOriginNotAllowed, "a page of another site made the request, and it has no allowed Origin");
  }
  return {};
}

bool HostGuard::allows_origin(std::string_view origin, std::string_view host) const {
  return is_own(origin, host) || lists_origin(origin);
}

bool HostGuard::lists_origin(std::string_view origin) const {
  // "null" is every sandboxed page and local file: it is nobody that could be named.
  return any_origin_ || (origin != "null" && matches_any(allow_origins_, origin));
}

bool HostGuard::allows_host(std::string_view host) const {
  if (host.empty()) return true;
  return name_of(host).ends_with('.') ? names_us(without_root_dot(host)) : names_us(host);
}

bool HostGuard::is_own(std::string_view origin, std::string_view host) const {
  const auto [scheme, port] = secure_ ? std::pair{"https://"sv, ":443"sv} : std::pair{"http://"sv, ":80"sv};
  if (host.empty() || !iequals(origin.substr(0, scheme.size()), scheme)) return false;
  const auto without_implied = [port](std::string_view name) {
    return name.ends_with(port) ? name.substr(0, name.size() - port.size()) : name;
  };
  return iequals(without_implied(origin.substr(scheme.size())), without_implied(host));
}

bool HostGuard::names_us(std::string_view host) const {
  const std::string_view name = name_of(host);
  std::string_view address = name;
  if (address.starts_with('[')) address = address.substr(1, address.size() - 2);
  return net::is_loopback_host(address) || matches_any(allow_hosts_, host) || matches_any(allow_hosts_, name);
}

std::string HostGuard::cors(std::string_view origin) const {
  if (origin.empty() || !lists_origin(origin)) return {};
  return fmt::format(
      "Access-Control-Allow-Origin: {}\r\n"
      "Access-Control-Expose-Headers: Parley-Code, Retry-After, WWW-Authenticate, X-Request-Id\r\n",
      any_origin_ ? std::string_view("*") : origin);
}

Response HostGuard::preflight(std::string_view methods) {
  Response response;
  response.status = 204;
  response.headers.emplace_back("Access-Control-Allow-Methods", methods);
  response.headers.emplace_back("Access-Control-Allow-Headers",
                                "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, traceparent");
  response.headers.emplace_back("Access-Control-Max-Age", "7200");
  return response;
}

bool is_preflight(std::span<const Header> headers) noexcept {
  const auto has = [headers](std::string_view name) {
    return std::ranges::any_of(headers, [name](const Header& header) { return iequals(header.name, name); });
  };
  return has("Origin") && has("Access-Control-Request-Method");
}

}  // namespace parley::http
