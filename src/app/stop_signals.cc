#include "app/stop_signals.h"

#include <chrono>
#include <csignal>
#include <unistd.h>

#include "base/log.h"

namespace parley::app {

StopSignals::StopSignals() : signals_(io_.get_executor(), SIGTERM, SIGINT) {
  signals_.async_wait([this](const boost::system::error_code& error, int number) {
    if (!error) on_first(number);
  });
  thread_ = std::thread([this] { io_.run(); });
}

StopSignals::~StopSignals() {
  io_.stop();
  thread_.join();
}

void StopSignals::end_at_once(int number) {
  flush_log(std::chrono::milliseconds(100));
  ::_exit(128 + number);
}

void StopSignals::on_first(int number) {
  if (!held_) end_at_once(number);
  signals_.async_wait([](const boost::system::error_code& error, int second) {
    if (!error) end_at_once(second);
  });
  first_.set_value(number);
}

}  // namespace parley::app
