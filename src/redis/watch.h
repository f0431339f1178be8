// Who is a master now: Sentinel or the cluster is asked, again and again.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "base/task_group.h"
#include "net/loop.h"
#include "net/waiters.h"
#include "redis/client_metrics.h"
#include "redis/client_options.h"
#include "redis/dialer.h"
#include "redis/layout.h"

namespace parley::redis {

/// All on its loop's thread, but for the constructor, the destructor and hurry().
class Watch {
 public:
  /// `on_layout` is called with each layout that is not the one before, and with one that says why there is none while
  /// nobody could be asked.
  Watch(net::Loop& loop, const ClientOptions& options, ClientMetrics& metrics,
        std::function<void(const Layout&)> on_layout);

  void start();
  void stop();
  /// Suspends until nothing is under way. After stop().
  [[nodiscard]] Async<> ended() { return tasks_.wait(); }

  /// Something does not fit the last layout: ask somebody, and not whom was asked last, as soon as ClientOptions::watch
  /// has passed since that. Any thread.
  void hurry();

 private:
  [[nodiscard]] Async<> run();
  /// Asks one after the other, until one knows.
  [[nodiscard]] Async<> look();
  [[nodiscard]] Task<Layout> ask();
  [[nodiscard]] Task<void> connect();
  void disconnect();
  void tell(Layout layout);
  [[nodiscard]] Async<> pause(std::chrono::milliseconds time, bool unless_in_a_hurry);
  [[nodiscard]] bool sentinel() const noexcept { return options_.topology == Topology::kSentinel; }

  net::Loop& loop_;
  const ClientOptions& options_;
  ClientMetrics& metrics_;
  const std::function<void(const Layout&)> on_layout_;
  TaskGroup tasks_;
  Dialer dialer_;
  std::vector<net::Endpoint> known_;  // who may be asked
  std::size_t next_ = 0;              // whom to ask next
  net::Endpoint asked_;
  std::shared_ptr<Connection> connection_;
  Layout told_;
  std::atomic<bool> hurry_ = false;
  bool stopped_ = false;
  net::TimedWakeup wakeup_;
};

}  // namespace parley::redis
