// An HTTP request as a route sees it, and the response that it makes.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/memory_budget.h"

namespace parley::http {

struct Header {
  std::string_view name;   ///< as it was spelled
  std::string_view value;  ///< without surrounding white space
};

/// A whole request whose framing has been found strict. The views live until the route's coroutine has ended.
struct Request {
  std::string_view method;  ///< "GET"; a HEAD comes as it is
  std::string_view path;    ///< undecoded, without the query
  std::string_view query;   ///< undecoded, without the '?'; empty if there is none
  std::span<const Header> headers;
  std::string_view body;           ///< decoded from its chunks; empty if there is none
  std::string_view request_id;     ///< the client's X-Request-Id where it sent a usable one, else made here
  Deadline deadline;               ///< arrival + --request-timeout
  std::string_view traceparent{};  ///< the client's, where it sent one that can go on; else empty

  /// The value of the last header of this name (case-insensitive), or nothing.
  [[nodiscard]] const std::string_view* header(std::string_view name) const noexcept;
};

/// What a route answers. The server adds the status line, Date, Content-Length, Connection, X-Request-Id and CORS.
struct Response {
  int status = 200;
  std::string_view content_type;                                  ///< static storage
  std::string body;                                               ///< left out where the request was a HEAD
  std::vector<std::pair<std::string_view, std::string>> headers;  ///< further ones: Allow, Retry-After, Parley-Code
  std::optional<MemoryReservation> memory = std::nullopt;  ///< what the body holds of --max-memory, until it is sent
  std::string_view cache_control = "no-store";             ///< static storage
};

}  // namespace parley::http
