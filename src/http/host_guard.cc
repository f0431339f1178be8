#include "http/host_guard.h"

#include <algorithm>

#include <boost/beast/core/string.hpp>
#include <fmt/format.h>

#include "net/endpoint.h"

namespace parley::http {
namespace {

using boost::beast::iequals;

bool contains(const std::vector<std::string>& list, std::string_view text) {
  return std::ranges::any_of(list, [text](const std::string& one) { return iequals(one, text); });
}

/// A Host without its port.
std::string_view name_of(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

/// A Host or origin without the port that its scheme implies.
std::string_view without_default_port(std::string_view host) {
  if (host.ends_with(":80")) host.remove_suffix(3);
  return host;
}

bool is_own(std::string_view origin, std::string_view host) {
  constexpr std::string_view kScheme = "http://";
  return !host.empty() && iequals(origin.substr(0, kScheme.size()), kScheme) &&
         iequals(without_default_port(origin.substr(kScheme.size())), without_default_port(host));
}

}  // namespace

HostGuard::HostGuard(const HttpOptions& options, bool loopback)
    : allow_origins_(options.allow_origins),
      allow_hosts_(options.allow_hosts),
      any_origin_(contains(allow_origins_, "*")),
      any_host_(!loopback || contains(allow_hosts_, "*")) {}

Result<void> HostGuard::check(std::span<const Header> headers, std::string_view host) const {
  if (!any_host_ && !allows_host(host)) {
    return fail(ErrorCode::kOriginNotAllowed, fmt::format("the host '{}' is not one that --allow-host names", host));
  }
  for (const Header& header : headers) {
    if (header.name.size() == 6 && iequals(header.name, "Origin") && !allows_origin(header.value, host)) {
      return fail(ErrorCode::kOriginNotAllowed,
                  fmt::format("the origin '{}' is not one that --allow-origin names", header.value));
    }
  }
  return {};
}

bool HostGuard::allows_origin(std::string_view origin, std::string_view host) const {
  return is_own(origin, host) || lists_origin(origin);
}

bool HostGuard::lists_origin(std::string_view origin) const {
  // "null" is every sandboxed page and local file: it is nobody that could be named.
  return any_origin_ || (origin != "null" && contains(allow_origins_, origin));
}

bool HostGuard::allows_host(std::string_view host) const {
  if (host.empty()) return true;
  const std::string_view name = name_of(host);
  std::string_view address = name;
  if (address.starts_with('[')) address = address.substr(1, address.size() - 2);
  return net::is_loopback_host(address) || contains(allow_hosts_, host) || contains(allow_hosts_, name);
}

std::string HostGuard::cors(std::string_view origin) const {
  if (origin.empty() || !lists_origin(origin)) return {};
  return fmt::format(
      "Access-Control-Allow-Origin: {}\r\n"
      "Access-Control-Expose-Headers: Parley-Code, Retry-After, X-Request-Id\r\n",
      any_origin_ ? std::string_view("*") : origin);
}

Response HostGuard::preflight(std::string_view methods) {
  Response response;
  response.status = 204;
  response.headers.emplace_back("Access-Control-Allow-Methods", methods);
  response.headers.emplace_back("Access-Control-Allow-Headers",
                                "Accept, Content-Type, Idempotency-Key, X-Request-Id, traceparent");
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
