#include "app/service_manager.h"

#include <array>
#include <cerrno>
#include <filesystem>
#include <future>
#include <map>
#include <optional>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace parley::app {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::microseconds kWatchdog = 300ms;

/// Where a service manager listens: a socket of a name that is no file.
class Listener {
 public:
  Listener() : name_(fmt::format("@parley-test-{}-{}", ::getpid(), static_cast<const void*>(this))) {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    std::ranges::copy(name_, address.sun_path);
    address.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_.size());
    EXPECT_EQ(::bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), length), 0);
  }
  ~Listener() { ::close(descriptor_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// The next state, or none within `patience`.
  std::optional<std::string> next(std::chrono::microseconds patience) const {
    const timeval time{.tv_sec = patience.count() / 1'000'000, .tv_usec = patience.count() % 1'000'000};
    EXPECT_EQ(::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)), 0);
    std::array<char, 256> buffer{};
    const ssize_t size = ::recv(descriptor_, buffer.data(), buffer.size(), 0);
    if (size < 0) return std::nullopt;
    return std::string(buffer.data(), static_cast<std::size_t>(size));
  }

  [[nodiscard]] ServiceManager manager(std::map<std::string, std::string> environment = {}) const {
    environment.emplace("NOTIFY_SOCKET", name_);
    return ServiceManager([&](const char* name) -> const char* {
      const auto found = environment.find(name);
      return found == environment.end() ? nullptr : found->second.c_str();
    });
  }

  [[nodiscard]] ServiceManager watching() const {
    return manager(
        {{"WATCHDOG_USEC", std::to_string(kWatchdog.count())}, {"WATCHDOG_PID", std::to_string(::getpid())}});
  }

 private:
  std::string name_;
  int descriptor_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
};

TEST(ServiceManager, HearsTheState) {
  const Listener listener;
  listener.manager().notify("READY=1");
  EXPECT_EQ(listener.next(10s), "READY=1");
}

TEST(ServiceManager, MayBeNobodyOrGone) {
  const ServiceManager nobody([](const char*) { return nullptr; });
  nobody.notify("READY=1");
  EXPECT_EQ(nobody.watchdog(), 0us);
  Listener().manager().notify("READY=1");
}

TEST(ServiceManager, WatchesOnlyTheProcessThatItNames) {
  const Listener listener;
  EXPECT_EQ(listener.watching().watchdog(), kWatchdog);
  EXPECT_EQ(listener.manager({{"WATCHDOG_USEC", "1000"}}).watchdog(), 1ms);
  EXPECT_EQ(listener.manager({{"WATCHDOG_USEC", "1000"}, {"WATCHDOG_PID", "1"}}).watchdog(), 0us);
  EXPECT_EQ(listener.manager({{"WATCHDOG_USEC", "soon"}}).watchdog(), 0us);
}

TEST(Watchdog, BeatsWhileEveryLoopRuns) {
  const Listener listener;
  const ServiceManager manager = listener.watching();
  net::LoopPool loops(2);
  const Watchdog watchdog(manager, loops);
  EXPECT_EQ(listener.next(10s), "WATCHDOG=1");
  EXPECT_EQ(listener.next(10s), "WATCHDOG=1");
}

TEST(Watchdog, IsSilentWhileALoopIsStuck) {
  const Listener listener;
  const ServiceManager manager = listener.watching();
  net::LoopPool loops(2);
  std::promise<void> release;
  std::promise<void> stuck;
  boost::asio::post(loops[1].executor(), [&, released = release.get_future()] {
    stuck.set_value();
    released.wait();
  });
  stuck.get_future().wait();
  const Watchdog watchdog(manager, loops);
  EXPECT_EQ(listener.next(2 * kWatchdog), std::nullopt);
  release.set_value();
  EXPECT_EQ(listener.next(10s), "WATCHDOG=1");
}

TEST(Watchdog, EndsAtOnceAndIsNoneWhereNobodyWatches) {
  const Listener listener;
  const ServiceManager manager = listener.manager({{"WATCHDOG_USEC", "3600000000"}});
  const ServiceManager unwatched = listener.manager();
  net::LoopPool loops(1);
  {
    const Watchdog watchdog(manager, loops);
  }
  {
    const Watchdog none(unwatched, loops);
  }
  EXPECT_EQ(listener.next(1ms), std::nullopt);
}

}  // namespace
}  // namespace parley::app
