// Where the nodes are, as an operator writes it: --backend.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "net/endpoint.h"

namespace parley::rpc {

/// `thrift://HOST:PORT[,HOST:PORT…]`, and `thrifts://` the same over TLS.
struct BackendUrl {
  std::vector<net::Endpoint> nodes;  ///< at least one; none has port 0
  bool tls = false;
  friend bool operator==(const BackendUrl&, const BackendUrl&) = default;
};

/// What `--backend` takes; says what is wrong if `text` is no such URL.
[[nodiscard]] std::expected<BackendUrl, std::string> parse_backend_url(std::string_view text);

}  // namespace parley::rpc
