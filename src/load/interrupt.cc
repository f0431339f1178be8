#include "load/interrupt.h"

#include <atomic>
#include <csignal>
#include <unistd.h>

namespace parley::load {
namespace {

std::atomic<bool> noted = false;
static_assert(std::atomic<bool>::is_always_lock_free);  // or a signal handler may not touch it

void on_signal(int number) {
  if (noted.exchange(true)) ::_exit(128 + number);
}

}  // namespace

Interrupt::Interrupt() {
  noted = false;
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
}

Interrupt::~Interrupt() {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

bool Interrupt::came() const noexcept { return noted; }

}  // namespace parley::load
