// What an operator may set about the calls to remote nodes.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include "net/tls_source.h"

namespace parley::rpc {

struct ClientOptions {
  std::size_t max_in_flight = 4096;                ///< calls under way on one connection
  std::size_t max_request = std::size_t{1} << 20;  ///< bytes of one message that nodes take, with its frame
  std::chrono::milliseconds probe{250};  ///< between two Ready calls on a connection; silent for two, it is left out
  std::chrono::milliseconds refresh{5'000};  ///< between two resolutions of the nodes' names
  std::chrono::milliseconds wait{2'000};     ///< how old an outage of all nodes may be for calls to wait for its end
  std::shared_ptr<net::TlsSource> tls{};     ///< none: in the clear
};

}  // namespace parley::rpc
