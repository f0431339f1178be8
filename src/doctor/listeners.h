// The addresses that a server would listen on.
#pragma once

#include <string>

#include "doctor/finding.h"
#include "net/endpoint.h"

namespace parley::doctor {

/// One listener as it is configured.
struct ListenerFacts {
  std::string name;  ///< http, rpc, admin
  net::Endpoint endpoint;
  bool authenticated = false;  ///< its clients need certificates
  bool tls = false;
  bool runs = false;  ///< the server that is looked at listens there now
};

/// Whether it can be bound now.
[[nodiscard]] bool is_free(const net::Endpoint& endpoint);

/// Whether it can be bound, unless the server runs, and who could reach it. Binds it for a moment. Blocks if a name
/// must be looked up.
[[nodiscard]] Findings look_at_listener(const ListenerFacts& facts);

}  // namespace parley::doctor
