// URLs that name servers: SCHEME://[USER[:PASSWORD]@]HOST:PORT[,HOST:PORT...][/PATH].
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/endpoint.h"

namespace parley::net {

/// The parts of a URL; they point into it.
struct UrlParts {
  std::string_view scheme;
  std::string_view user_info;  ///< what comes before the '@': USER or USER:PASSWORD
  std::string_view hosts;
  std::string_view path;  ///< without its slash
};

/// Nothing where `url` has no "://". A password may hold any character, so the hosts begin after the last '@'.
[[nodiscard]] std::optional<UrlParts> split_url(std::string_view url);

/// The hosts of a URL: at least one, each with its port. Else says what is wrong with `list`.
[[nodiscard]] std::expected<std::vector<Endpoint>, std::string> parse_hosts(std::string_view list);

/// `url` without the password that it may carry; still a URL of the same servers.
[[nodiscard]] std::string without_password(const std::string& url);

}  // namespace parley::net
