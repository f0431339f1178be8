// From the nodes' names to their addresses, again and again.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <future>
#include <list>
#include <stop_token>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/log_limits.h"
#include "base/task.h"
#include "base/task_group.h"
#include "net/endpoint.h"
#include "net/loop.h"
#include "net/resolve.h"
#include "net/waiters.h"

namespace parley::rpc {

/// All on its loop's thread, but for the constructor and destructor.
class Resolver {
 public:
  /// Between two looks at a name while no node can be used.
  static constexpr std::chrono::milliseconds kHurried{250};

  /// `on_addresses` is called with the sorted addresses of all names, first as soon as there are any, then whenever
  /// they have changed. A name that cannot be resolved keeps the addresses that it had, and one that takes its time
  /// keeps no other waiting.
  Resolver(net::Loop& loop, std::vector<net::Endpoint> names, std::chrono::milliseconds refresh, net::Resolve resolve,
           std::function<void(const net::Addresses&)> on_addresses);

  /// Tells of what is an address at once, and follows every name in `group` until stop().
  void start(TaskGroup& group);
  void stop();

  /// While `yes`, no node can be used, so that they may be elsewhere by now: each name is looked up at once, and then
  /// every kHurried, or as often as `refresh` says if that is more often. So it is from the beginning.
  void hurry(bool yes);

  /// Blocks until every name was looked up once, with whatever result, or the deadline; not from a loop.
  void wait_until_tried(Deadline deadline) { tried_.wait_until(deadline); }

 private:
  struct Name {
    explicit Name(net::Endpoint of) : endpoint(std::move(of)) {}

    const net::Endpoint endpoint;
    net::Addresses addresses;
    Deadline looked_up{};  // when it was, last
    bool tried = false;
    StateLog log{"found"};
    net::TimedWakeup wakeup;
  };

  [[nodiscard]] Async<> follow(Name& name);
  [[nodiscard]] Async<> refresh(Name& name);
  [[nodiscard]] Async<> pause(Name& name);
  void tell();
  [[nodiscard]] std::chrono::milliseconds time_between() const;

  net::Loop& loop_;
  std::list<Name> names_;
  net::Addresses literals_;
  const std::chrono::milliseconds refresh_;
  const net::Resolve resolve_;
  const std::function<void(const net::Addresses&)> on_addresses_;
  net::Addresses told_;
  std::stop_source stop_;
  bool hurried_ = true;
  std::size_t untried_;
  std::promise<void> all_tried_;
  std::shared_future<void> tried_{all_tried_.get_future()};
};

}  // namespace parley::rpc
