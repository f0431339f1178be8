#include "cli/pull.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>
#include <unistd.h>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_future.hpp>
#include <fmt/format.h>

#include "chat/message.h"
#include "cli/output.h"

namespace parley::cli {
namespace {

using Timer = boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                                boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;
using Descriptor = boost::asio::posix::basic_stream_descriptor<Executor>;

// How often a follower asks: soon after a message, less often the longer none comes.
constexpr std::chrono::milliseconds kShortestPause{100};
constexpr std::chrono::milliseconds kLongestPause{1'000};

enum class Printed { kAll, kNobodyReads, kFailed };

Printed print(const std::vector<PulledMessage>& messages, const PrintStyle& style) {
  std::string out;
  for (const PulledMessage& message : messages) out += render(message, style);
  if (write_output(out)) return Printed::kAll;
  if (errno == EPIPE) return Printed::kNobodyReads;
  print_error(fmt::format("cannot write to standard output: {}", std::strerror(errno)));
  return Printed::kFailed;
}

int exit_code(Printed printed) { return printed == Printed::kFailed ? 1 : 0; }

Async<int> pull_once(HttpClient& client, PullCall call, const PrintStyle& style) {
  std::int32_t left = call.limit == 0 ? kDefaultPullLimit : call.limit;
  for (;;) {
    call.limit = std::min(left, kMaxPullLimit);
    const Outcome<Pulled> pulled = co_await pull(client, call);
    if (!pulled) {
      print_error(pulled.error().message);
      co_return 1;
    }
    if (const Printed printed = print(pulled->messages, style); printed != Printed::kAll) co_return exit_code(printed);
    left -= static_cast<std::int32_t>(pulled->messages.size());
    call.cursor = pulled->next_cursor;
    if (pulled->has_more && left > 0 && !pulled->messages.empty()) continue;
    if (pulled->has_more && error_is_terminal()) {
      print_error(fmt::format("there is more: --cursor {}{}", call.cursor, call.reverse ? " --reverse" : ""));
    }
    co_return 0;
  }
}

/// Tells a person, once an outage, that the server is away; scripts are not told.
class Outage {
 public:
  void begin(const Failure& failure) {
    if (!std::exchange(away_, true) && error_is_terminal()) print_error(failure.message + "; trying again");
  }
  void end() {
    if (std::exchange(away_, false) && error_is_terminal()) print_error("connected again");
  }

 private:
  bool away_ = false;
};

Async<int> follow(HttpClient& client, Executor executor, PullCall call, const PrintStyle& style) {
  if (call.limit == 0) call.limit = kMaxPullLimit;
  Outage outage;
  std::chrono::milliseconds pause = kShortestPause;
  bool answered = false;  // a server that never was there is a wrong --url rather than one that restarts
  for (;;) {
    const Outcome<Pulled> pulled = co_await pull(client, call);
    if (pulled) {
      answered = true;
      outage.end();
      if (const Printed printed = print(pulled->messages, style); printed != Printed::kAll)
        co_return exit_code(printed);
      call.cursor = pulled->next_cursor;
      if (!pulled->messages.empty()) pause = kShortestPause;
      if (pulled->has_more) continue;
    } else if (pulled.error().code == "chat_not_found") {
      answered = true;  // and the chat may still come
      outage.end();
    } else if (pulled.error().passing && (answered || pulled.error().reached)) {
      outage.begin(pulled.error());
    } else {
      print_error(pulled.error().message);
      co_return 1;
    }
    Timer timer(executor);
    timer.expires_after(pause);
    co_await timer.async_wait(kAwait);
    pause = std::min(pause * 3 / 2, kLongestPause);
  }
}

/// Stops `io` at a signal that ends a follower, or when the reader of standard output has gone.
class StopWatch {
 public:
  explicit StopWatch(boost::asio::io_context& io)
      : signals_(io.get_executor(), SIGINT, SIGTERM), output_(io.get_executor()) {
    signals_.async_wait([&io](const boost::system::error_code& error, int) {
      if (!error) io.stop();
    });
    output_.assign(::dup(STDOUT_FILENO));
    // A plain file cannot be waited for, and never ends: then this fails at once, and that is all.
    output_.async_wait(Descriptor::wait_error, [&io](const boost::system::error_code& error) {
      if (!error) io.stop();
    });
  }

 private:
  boost::asio::basic_signal_set<Executor> signals_;
  Descriptor output_;
};

}  // namespace

int run(const PullCommand& command) {
  boost::asio::io_context io(1);
  HttpClient client(io.get_executor(), command.url, command.timeout);
  if (!command.follow) {
    auto done = boost::asio::co_spawn(io, pull_once(client, command.call, command.style), boost::asio::use_future);
    io.run();
    return done.get();
  }
  const StopWatch watch(io);
  int code = 0;  // what a stop leaves
  boost::asio::co_spawn(io, follow(client, io.get_executor(), command.call, command.style),
                        [&](const std::exception_ptr& bug, int result) {
                          if (bug) std::rethrow_exception(bug);
                          code = result;
                          io.stop();
                        });
  io.run();
  return code;
}

}  // namespace parley::cli
