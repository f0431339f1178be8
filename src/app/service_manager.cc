#include "app/service_manager.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/un.h>

#include "base/log.h"

namespace parley::app {
namespace {

constexpr int kBeats = 3;  // in a watchdog's time, so that two may come late

/// The number that `text` is; 0 where it is none.
std::int64_t number(const char* text) {
  std::int64_t value = 0;
  if (text != nullptr) std::from_chars(text, text + std::strlen(text), value);
  return std::max<std::int64_t>(value, 0);
}

}  // namespace

ServiceManager::ServiceManager(const std::function<const char*(const char*)>& environment) {
  const char* const socket = environment("NOTIFY_SOCKET");
  if (socket == nullptr || (*socket != '/' && *socket != '@')) return;
  socket_ = socket;
  const char* const whose = environment("WATCHDOG_PID");
  if (whose != nullptr && number(whose) != ::getpid()) return;
  watchdog_ = std::chrono::microseconds(number(environment("WATCHDOG_USEC")));
}

void ServiceManager::notify(std::string_view state) const {
  sockaddr_un address{};
  if (socket_.empty() || socket_.size() >= sizeof(address.sun_path)) return;
  address.sun_family = AF_UNIX;
  std::ranges::copy(socket_, address.sun_path);
  if (socket_.front() == '@') address.sun_path[0] = '\0';  // a name that is no file
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  const int descriptor = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0 || ::sendto(descriptor, state.data(), state.size(), MSG_NOSIGNAL,
                                 reinterpret_cast<const sockaddr*>(&address), length) < 0) {
    log_warn("cannot tell the service manager", {{"state", state}, {"why", std::strerror(errno)}});
  }
  if (descriptor >= 0) ::close(descriptor);
}

Watchdog::Watchdog(const ServiceManager& manager, net::LoopPool& loops) : manager_(manager), loops_(loops) {
  if (manager_.watchdog().count() > 0) {
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }
}

void Watchdog::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stopped_.wait_for(lock, stop, manager_.watchdog() / kBeats, [&stop] { return stop.stop_requested(); })) {
    for (std::size_t i = 0; i < loops_.size(); ++i) net::run_on(loops_[i], [] {});
    manager_.notify("WATCHDOG=1");
  }
}

}  // namespace parley::app
