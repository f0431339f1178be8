// The rules of RFC 9110 and 9112 that Beast's parser leaves to whoever uses it.
#pragma once

#include <string_view>

#include "base/error.h"

namespace parley::http {

/// Whether `text` is a token (RFC 9110, 5.6.2).
[[nodiscard]] bool is_token(std::string_view text) noexcept;

/// Whether `text` may stand in a field's value: no control character but tab (RFC 9110, 5.5).
[[nodiscard]] bool is_field_text(std::string_view text) noexcept;

/// Whether `text` is `uri-host [ ":" port ]` (RFC 9110, 7.2): a name, an IPv4 address or an IP literal in brackets.
[[nodiscard]] bool is_host(std::string_view text) noexcept;

/// Checks a field line without its CRLF: `token ":" OWS value OWS`, no obs-fold. kMalformedRequest.
[[nodiscard]] Result<void> check_field_line(std::string_view line);

/// What a request line's target names.
struct Target {
  std::string_view authority;  ///< of the absolute form, else empty
  std::string_view path;       ///< "*" for `OPTIONS *`
  std::string_view query;      ///< without the '?'
};

/// Takes a target apart: origin form, absolute form (of http and https), or "*" where the method is OPTIONS.
/// kMalformedRequest for anything else; CONNECT's authority form has no use here.
[[nodiscard]] Result<Target> parse_target(std::string_view method, std::string_view target);

}  // namespace parley::http
