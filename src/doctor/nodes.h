// The nodes behind a gateway.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "doctor/finding.h"
#include "net/endpoint.h"
#include "net/tls.h"
#include "rpc/client/client_options.h"

namespace parley::doctor {

/// What one node says of itself.
struct NodeFacts {
  std::string address;
  std::string failure{};                      ///< why it cannot be used; empty: it can, and what follows is known
  std::string store_id{};                     ///< empty: a foreign server, which has none
  std::string durability{};                   ///< empty: it does not say
  std::chrono::microseconds clock_offset{0};  ///< of its wall clock from ours
};

/// Asks every address of every name, each for up to `patience`. Blocks.
[[nodiscard]] std::vector<NodeFacts> ask_nodes(const std::vector<net::Endpoint>& names,
                                               const rpc::ClientOptions& options, std::chrono::milliseconds patience);

[[nodiscard]] Findings judge_nodes(const std::vector<NodeFacts>& nodes);

}  // namespace parley::doctor
