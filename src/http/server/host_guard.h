// Keeps web pages from a server that did not invite them: Origin, Sec-Fetch-Site, Host (against DNS rebinding) and
// CORS.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "http/server/server_options.h"
#include "http/wire/message.h"

namespace parley::http {

/// Whether `text` may be one of HttpOptions::allow_hosts: a name or address with or without a port, "*", or "*." and a
/// name. It is ASCII, since that is how clients write a name.
[[nodiscard]] bool is_host_pattern(std::string_view text) noexcept;

/// Whether `text` may be one of HttpOptions::allow_origins: "*", or a scheme, "://" and a host as above. It has no
/// path.
[[nodiscard]] bool is_origin_pattern(std::string_view text) noexcept;

/// The rules of one listener. Immutable, for any thread.
class HostGuard {
 public:
  /// `loopback` says that the listener is reached from this machine only, so that nothing but its loopback names, and
  /// those of --allow-host, may stand in Host. Any Host reaches another listener: its names are not known here.
  HostGuard(const HttpOptions& options, bool loopback);

  /// Nothing, or kOriginNotAllowed. `host` is the server's name as the request has it, empty if there is none
  /// (HTTP/1.0, which no browser speaks). Calls (paths below /api/) of another site need an Origin that is allowed:
  /// browsers send none with a navigation, a form by GET or an image.
  [[nodiscard]] Result<void> check(std::span<const Header> headers, std::string_view host, std::string_view path) const;

  /// The header lines that allow a page of `origin` to read any answer, each with its CRLF. Empty if that origin is not
  /// allowed, or if `origin` is empty.
  [[nodiscard]] std::string cors(std::string_view origin) const;

  /// The answer to a preflight of an allowed origin, without what cors() says. `methods` is an Allow line.
  [[nodiscard]] static Response preflight(std::string_view methods);

  /// What answers vary by.
  [[nodiscard]] std::string_view vary() const noexcept { return allow_origins_.empty() ? "Accept" : "Accept, Origin"; }

 private:
  [[nodiscard]] bool allows_origin(std::string_view origin, std::string_view host) const;
  [[nodiscard]] bool lists_origin(std::string_view origin) const;
  [[nodiscard]] bool allows_host(std::string_view host) const;
  [[nodiscard]] bool is_own(std::string_view origin, std::string_view host) const;
  [[nodiscard]] bool names_us(std::string_view host) const;

  std::vector<std::string> allow_origins_;
  std::vector<std::string> allow_hosts_;
  bool any_origin_;
  bool any_host_;
  bool secure_;  // our own origin is https
};

/// Whether `headers` are those of a preflight (Fetch, 4.8), which is an OPTIONS besides.
[[nodiscard]] bool is_preflight(std::span<const Header> headers) noexcept;

}  // namespace parley::http
