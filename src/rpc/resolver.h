// From the nodes' names to their addresses, again and again.
#pragma once

#include <chrono>
#include <functional>
#include <vector>

#include "base/task.h"
#include "base/wakeup.h"
#include "net/endpoint.h"
#include "net/loop.h"
#include "net/resolve.h"

namespace parley::rpc {

/// All on its loop's thread, but for the constructor and destructor.
class Resolver {
 public:
  /// `on_addresses` is called with the sorted addresses of all names, first as soon as there are any, then whenever
  /// they have changed. A name that cannot be resolved keeps the addresses that it had.
  Resolver(net::Loop& loop, std::vector<net::Endpoint> names, std::chrono::milliseconds refresh, net::Resolve resolve,
           std::function<void(const net::Addresses&)> on_addresses);

  /// Resolves until stop(), or only once where every name is an address.
  [[nodiscard]] Async<> run();
  void stop();

 private:
  struct Name {
    net::Endpoint endpoint;
    net::Addresses addresses{};
    bool failed = false;  // for one log line an episode
  };

  [[nodiscard]] Async<> refresh(Name& name);
  void tell();
  [[nodiscard]] Async<> pause();

  net::Loop& loop_;
  std::vector<Name> names_;
  const std::chrono::milliseconds refresh_;
  const net::Resolve resolve_;
  const std::function<void(const net::Addresses&)> on_addresses_;
  net::Addresses told_;
  bool stopped_ = false;
  Wakeup wakeup_;
  net::DeadlineEntry timer_;
};

}  // namespace parley::rpc
