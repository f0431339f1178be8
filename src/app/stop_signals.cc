#include "app/stop_signals.h"

#include <csignal>
#include <unistd.h>

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

void StopSignals::on_first(int number) {
  if (!held_) ::_exit(128 + number);
  signals_.async_wait([](const boost::system::error_code& error, int second) {
    if (!error) ::_exit(128 + second);
  });
  first_.set_value(number);
}

}  // namespace parley::app
