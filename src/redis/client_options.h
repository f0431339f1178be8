// What an operator may set about the calls to Redis.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/task.h"
#include "net/endpoint.h"
#include "net/tls_source.h"
#include "redis/call.h"

namespace parley::redis {

enum class Topology { kSingle, kSentinel, kCluster };

struct ClientOptions {
  Topology topology = Topology::kSingle;
  std::vector<net::Endpoint> servers{};   ///< the server, the sentinels, or some nodes of the cluster
  std::string master{};                   ///< kSentinel: the master's name
  int database = 0;                       ///< 0 in a cluster
  std::string user{};                     ///< empty: the default user
  std::string password{};                 ///< empty: none is asked for. The sentinels take no other
  std::shared_ptr<net::TlsSource> tls{};  ///< none: in the clear
  std::size_t max_in_flight = 4096;       ///< calls under way on one connection
  std::size_t replicas = 0;               ///< how many must confirm a call with CallOptions::replicate
  /// Looks at the server behind each new connection before calls go there; after an error they do not. On its loop.
  std::function<Task<void>(std::string address, Ask ask)> on_connect{};
  std::chrono::milliseconds connect_timeout{1'000};
  std::chrono::milliseconds patience{2'000};  ///< how old an outage may be for calls to wait for its end
  std::chrono::milliseconds watch{250};       ///< between two looks at sentinels, or at a cluster in trouble
};

}  // namespace parley::redis
