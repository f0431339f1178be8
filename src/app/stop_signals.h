// SIGTERM and SIGINT, as requests to stop.
#pragma once

#include <atomic>
#include <future>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "base/task.h"

namespace parley::app {

/// While one lives, SIGTERM and SIGINT end the process at once with 128 + their number, whatever else is going on; but
/// the first one after hold() is a request to stop. One per process.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// There is something to be stopped in good order from here on. Any thread.
  void hold() { held_ = true; }

  /// Blocks until the request to stop; the signal's number. Once, after hold().
  [[nodiscard]] int wait() { return first_.get_future().get(); }

 private:
  void on_first(int number);
  [[noreturn]] static void end_at_once(int number);

  std::atomic<bool> held_{false};
  boost::asio::io_context io_{1};
  boost::asio::basic_signal_set<Executor> signals_;
  std::promise<int> first_;
  std::thread thread_;
};

}  // namespace parley::app
