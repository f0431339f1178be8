// Redis servers and sentinels of a test's own: processes on loopback, in folders of their own, gone with their owner.
#pragma once

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "net/endpoint.h"
#include "redis/command.h"
#include "redis/reply.h"
#include "redis/reply_reader.h"

namespace parley::redis {

/// How many times slower than a release this build is.
#if !defined(__has_feature)
#define __has_feature(feature) 0
#endif
inline constexpr int kBuildScale = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ? 8 : 1;

/// Waits for a condition; an exception that names it when it does not come true in time.
inline void eventually(const std::string& what, const std::function<bool()>& holds,
                       std::chrono::seconds time = std::chrono::seconds(30) * kBuildScale) {
  const auto last = std::chrono::steady_clock::now() + time;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > last) throw std::runtime_error("in vain was waited until " + what);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

/// A folder that goes with its owner.
class TestFolder {
 public:
  TestFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "parley-redis-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("there is no folder to be had");
    path_ = name;
  }
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

/// A port that nobody had a moment ago.
inline std::uint16_t free_port() {
  boost::asio::io_context io;
  const boost::asio::ip::tcp::acceptor acceptor(io, {boost::asio::ip::address_v4::loopback(), 0});
  return acceptor.local_endpoint().port();
}

/// One process. It also goes when the test dies.
class RedisServer {
 public:
  /// redis-server with these lines of configuration beside its own; answers when it is made.
  explicit RedisServer(std::vector<std::string> configuration = {})
      : RedisServer("redis-server", std::move(configuration)) {}

  /// A sentinel that watches `master` under the name "mymaster".
  static RedisServer sentinel(const RedisServer& master, int quorum, std::vector<std::string> configuration = {}) {
    std::vector<std::string> lines{
        "sentinel monitor mymaster 127.0.0.1 " + std::to_string(master.port()) + " " + std::to_string(quorum),
        "sentinel down-after-milliseconds mymaster " + std::to_string(500 * kBuildScale),
        "sentinel failover-timeout mymaster " + std::to_string(2000 * kBuildScale),
    };
    lines.insert(lines.end(), configuration.begin(), configuration.end());
    return RedisServer("redis-sentinel", std::move(lines));
  }

  ~RedisServer() { kill(); }
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] net::Endpoint endpoint() const { return {"127.0.0.1", port_}; }
  [[nodiscard]] const std::filesystem::path& folder() const noexcept { return folder_.path(); }

  [[nodiscard]] bool running() const noexcept { return pid_ > 0; }

  /// kill -9.
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    (void)waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  /// Starts again after kill(): the same port, folder and configuration, as CONFIG REWRITE or a sentinel left it.
  void start() {
    eventually("a server has its port back", [this] { return launch(); });
  }
  void freeze() const { ::kill(pid_, SIGSTOP); }
  void thaw() const { ::kill(pid_, SIGCONT); }

  /// Asks on a connection of its own, and waits for the answer.
  [[nodiscard]] Reply ask(std::initializer_list<std::string_view> command) const {
    boost::asio::io_context io;
    boost::asio::ip::tcp::socket socket(io);
    socket.connect({boost::asio::ip::address_v4::loopback(), port_});
    const timeval limit{20, 0};
    setsockopt(socket.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    if (!login.empty()) (void)exchange(socket, format_command({"AUTH", login}));
    return exchange(socket, format_command(command));
  }
  /// A line `name:value` of INFO or CLUSTER INFO.
  [[nodiscard]] std::string field(std::initializer_list<std::string_view> command, const std::string& name) const {
    const std::string text = "\n" + ask(command).text;
    const auto at = text.find("\n" + name + ":");
    if (at == std::string::npos) return "";
    const auto begin = at + name.size() + 2;
    return text.substr(begin, text.find('\r', begin) - begin);
  }

  /// Makes it a replica of `master`, and waits until it is in step.
  void follow(const RedisServer& master) const {
    (void)ask({"REPLICAOF", "127.0.0.1", std::to_string(master.port())});
    eventually("the replica follows", [this] { return field({"INFO", "replication"}, "master_link_status") == "up"; });
  }

  std::string login{};  ///< the default user's password for ask()

 private:
  RedisServer(std::string program, std::vector<std::string> configuration)
      : program_(std::move(program)), configuration_(std::move(configuration)) {
    for (int tries = 0; tries < 20; ++tries) {
      port_ = free_port();
      write_configuration();
      if (launch()) return;  // else somebody was faster to take the port
    }
    throw std::runtime_error(program_ + " does not start: " + log());
  }

  [[nodiscard]] std::string file() const { return (folder() / "redis.conf").string(); }
  [[nodiscard]] std::string log() const {
    std::ifstream in(folder() / "log");
    return {std::istreambuf_iterator<char>(in), {}};
  }

  void write_configuration() const {
    std::ofstream out(file());
    out << "port " << port_ << "\nbind 127.0.0.1\ndaemonize no\ndir " << folder().string() << "\nlogfile "
        << (folder() / "log").string() << "\n";
    if (program_ == "redis-server") out << "save \"\"\nenable-debug-command yes\nrepl-diskless-sync-delay 0\n";
    for (const std::string& line : configuration_) out << line << "\n";
  }

  /// Whether it runs and answers.
  bool launch() {
    const std::string file_name = file();
    char* const arguments[] = {program_.data(), const_cast<char*>(file_name.c_str()), nullptr};
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      execvp(arguments[0], arguments);
      _exit(127);
    }
    bool died = false;
    eventually("a server answers", [this, &died] {
      died = waitpid(pid_, nullptr, WNOHANG) == pid_;
      return died || answers();
    });
    if (died) pid_ = -1;
    return !died;
  }

  bool answers() const {
    try {
      const Reply info = ask({"INFO", "server"});  // of ours, and not of somebody who was faster to take the port
      return info.is_error() || info.text.contains("process_id:" + std::to_string(pid_) + "\r");
    } catch (const boost::system::system_error&) {
      return false;
    }
  }

  static Reply exchange(boost::asio::ip::tcp::socket& socket, const std::string& command) {
    boost::asio::write(socket, boost::asio::buffer(command));
    ReplyReader reader;
    std::string bytes(4096, '\0');
    while (true) {
      const std::size_t size = socket.read_some(boost::asio::buffer(bytes));
      reader.feed(std::string_view(bytes).substr(0, size));
      auto reply = reader.take();
      if (!reply) throw std::runtime_error(reply.error().detail);
      if (*reply) return **std::move(reply);
    }
  }

  TestFolder folder_;
  std::string program_;
  std::vector<std::string> configuration_;
  std::uint16_t port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace parley::redis
