// From the nodes' names to their addresses, again and again.
#pragma once

#include <chrono>
#include <functional>
#include <vector>

#include <boost/asio/ip/tcp.hpp>

#include "base/task.h"
#include "base/wakeup.h"
#include "net/endpoint.h"
#include "net/loop.h"

namespace parley::rpc {

using Addresses = std::vector<boost::asio::ip::tcp::endpoint>;

/// Looks up a name, which stays where it is meanwhile; kUnavailable with why where that is not possible.
using Resolve = std::function<Task<Addresses>(const net::Endpoint& name)>;

/// The system's resolver; of a name with IPv4 addresses, just those: the others are the same nodes again.
[[nodiscard]] Task<Addresses> resolve_by_system(const net::Endpoint& name);

/// All on its loop's thread, but for the constructor and destructor.
class Resolver {
 public:
  /// `on_addresses` is called with the sorted addresses of all names, first as soon as there are any, then whenever
  /// they have changed. A name that cannot be resolved keeps the addresses that it had.
  Resolver(net::Loop& loop, std::vector<net::Endpoint> names, std::chrono::milliseconds refresh, Resolve resolve,
           std::function<void(const Addresses&)> on_addresses);

  /// Resolves until stop(), or only once where every name is an address.
  [[nodiscard]] Async<> run();
  void stop();

 private:
  struct Name {
    net::Endpoint endpoint;
    Addresses addresses{};
    bool failed = false;  // for one log line an episode
  };

  [[nodiscard]] Async<> refresh(Name& name);
  void tell();
  [[nodiscard]] Async<> pause();

  net::Loop& loop_;
  std::vector<Name> names_;
  const std::chrono::milliseconds refresh_;
  const Resolve resolve_;
  const std::function<void(const Addresses&)> on_addresses_;
  Addresses told_;
  bool stopped_ = false;
  Wakeup wakeup_;
  net::DeadlineEntry timer_;
};

}  // namespace parley::rpc
