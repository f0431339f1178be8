// Keeps web pages from a server that did not invite them: Origin, Host (against DNS rebinding) and CORS.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "http/http_options.h"
#include "http/message.h"

namespace parley::http {

/// The rules of one listener. Immutable; any thread.
class HostGuard {
 public:
  /// `loopback` says that the listener is reached from this machine only, so that nothing but its loopback names, and
  /// those of --allow-host, may stand in Host. Any Host reaches another listener: its names are not known here.
  HostGuard(const HttpOptions& options, bool loopback);

  /// Nothing, or kOriginNotAllowed. `host` is the Host field's value, empty where there is none (HTTP/1.0, which no
  /// browser speaks).
  [[nodiscard]] Result<void> check(std::span<const Header> headers, std::string_view host) const;

  /// What allows a page of `origin` (of one, or empty) to read any answer: header lines, each with its CRLF, or nothing
  /// where that origin is not allowed.
  [[nodiscard]] std::string cors(std::string_view origin) const;

  /// The answer to a preflight of an allowed origin, without what cors() says. `methods` is an Allow line.
  [[nodiscard]] static Response preflight(std::string_view methods);

  /// What answers vary by.
  [[nodiscard]] std::string_view vary() const noexcept { return allow_origins_.empty() ? "Accept" : "Accept, Origin"; }

 private:
  [[nodiscard]] bool allows_origin(std::string_view origin, std::string_view host) const;
  [[nodiscard]] bool lists_origin(std::string_view origin) const;
  [[nodiscard]] bool allows_host(std::string_view host) const;

  std::vector<std::string> allow_origins_;
  std::vector<std::string> allow_hosts_;
  bool any_origin_;
  bool any_host_;
};

/// Whether `headers` are those of a preflight (Fetch, 4.8), which is an OPTIONS besides.
[[nodiscard]] bool is_preflight(std::span<const Header> headers) noexcept;

}  // namespace parley::http
