#include "net/endpoint.h"

#include <boost/asio/ip/address.hpp>
#include <boost/beast/core/string.hpp>
#include <fmt/format.h>

#include "base/parse_number.h"

namespace parley::net {
namespace {

std::unexpected<Error> bad(std::string_view text, std::string_view why) {
  return fail(ErrorCode::kMalformedRequest, fmt::format("'{}' is not HOST:PORT: {}", text, why));
}

}  // namespace

Result<Endpoint> Endpoint::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad(text, "the port is missing");
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    boost::system::error_code error;
    boost::asio::ip::make_address_v6(std::string(host), error);
    if (error) return bad(text, "there is no IPv6 address between the brackets");
  } else if (host.find_first_of(":[]") != std::string_view::npos) {
    return bad(text, "an IPv6 address needs brackets, as in [::1]:8080");
  }
  if (host.empty()) return bad(text, "the host is missing (0.0.0.0 is every address)");
  if (host.find_first_of(" \t/@") != std::string_view::npos)
    return bad(text, "the host is neither a name nor an address");
  const auto number = parse_number<std::uint16_t>(port);
  if (!number) return bad(text, "the port is not 0 to 65535");
  return Endpoint{std::string(host), *number};
}

std::string Endpoint::to_string() const {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

bool Endpoint::is_loopback() const { return is_loopback_host(host); }

bool is_loopback_host(std::string_view host) {
  using boost::beast::iequals;
  constexpr std::string_view kName = "localhost";
  constexpr std::string_view kUsual = "127.0.0.1";  // as nearly everybody writes it, told without parsing
  if (host == kUsual || iequals(host, kName)) return true;
  if (host.size() > kName.size() + 1 && host[host.size() - kName.size() - 1] == '.' &&
      iequals(host.substr(host.size() - kName.size()), kName)) {
    return true;
  }
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(std::string(host), error);
  return !error && address.is_loopback();
}

}  // namespace parley::net
