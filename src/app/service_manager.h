// What systemd wants to hear of a service of Type=notify, over the datagram protocol of sd_notify(3).
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

#include "net/loop.h"

namespace parley::app {

/// Whoever started us and listens; without NOTIFY_SOCKET nobody does, and everything here does nothing.
class ServiceManager {
 public:
  /// Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID through `environment`.
  explicit ServiceManager(const std::function<const char*(const char*)>& environment);

  /// Sends a state such as "READY=1". What cannot be sent is lost: the service goes on.
  void notify(std::string_view state) const;

  /// How long the service may be silent; 0 where no watchdog listens.
  [[nodiscard]] std::chrono::microseconds watchdog() const noexcept { return watchdog_; }

 private:
  std::string socket_;
  std::chrono::microseconds watchdog_{0};
};

/// While one lives, `manager` hears WATCHDOG=1 thrice a watchdog's time, each time after every loop has run a task: a
/// loop that is stuck ends that, and the manager ends the process.
class Watchdog {
 public:
  /// Both must outlive this.
  Watchdog(const ServiceManager& manager, net::LoopPool& loops);
  /// Waits for the loops where it is asking them.
  ~Watchdog() = default;
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  void run(const std::stop_token& stop);

  const ServiceManager& manager_;
  net::LoopPool& loops_;
  std::mutex mutex_;
  std::condition_variable_any stopped_;
  std::jthread thread_;
};

}  // namespace parley::app
