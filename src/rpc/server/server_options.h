// What an operator may set about the RPC listener.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include "net/tls_source.h"

namespace parley::rpc {

struct RpcOptions {
  std::shared_ptr<const net::TlsSource> tls;       ///< none: in the clear
  std::size_t max_request = std::size_t{1} << 20;  ///< bytes of one message with its frame
  std::size_t max_in_flight = 4096;                ///< requests of one connection; then it is not read
  std::size_t max_connections = 20000;
  std::chrono::milliseconds message_timeout{30'000};  ///< from a message's first byte to its last
  std::chrono::milliseconds idle_timeout{75'000};     ///< of a connection with nothing in flight
  std::chrono::milliseconds write_timeout{30'000};    ///< for the client to take what is written
  std::chrono::milliseconds request_timeout{2'000};   ///< for the service to answer; a client may ask for less
};

}  // namespace parley::rpc
