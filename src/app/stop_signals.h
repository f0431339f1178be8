// SIGTERM and SIGINT, as requests to stop.
#pragma once

#include <future>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "base/task.h"

namespace parley::app {

/// While one lives, the first SIGTERM or SIGINT is a request to stop, and a second one ends the process at once with
/// 128 + its number, whatever else is going on. One per process.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// Blocks until the first signal; its number. Once.
  [[nodiscard]] int wait() { return first_.get_future().get(); }

 private:
  void on_first(int number);

  boost::asio::io_context io_{1};
  boost::asio::basic_signal_set<Executor> signals_;
  std::promise<int> first_;
  std::thread thread_;
};

}  // namespace parley::app
