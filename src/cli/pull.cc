#include "cli/pull.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <iterator>
#include <string>
#include <unistd.h>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_future.hpp>
#include <fmt/format.h>

#include "base/output.h"
#include "chat/message.h"

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

/// Pages from call.cursor on, until there are call.limit messages or no more: each goes to `take`, which says whether
/// to go on. Returns the last page, whose next_cursor is where to go on from.
template <class Take>
Async<Outcome<Pulled>> pull_pages(http::HttpClient& client, PullCall call, Take take) {
  std::int32_t left = call.limit == 0 ? kDefaultPullLimit : call.limit;
  for (;;) {
    call.limit = std::min(left, kMaxPullLimit);
    Outcome<Pulled> pulled = co_await pull(client, call);
    if (!pulled) co_return pulled;
    left -= static_cast<std::int32_t>(pulled->messages.size());
    call.cursor = pulled->next_cursor;
    const bool last = !pulled->has_more || left <= 0 || pulled->messages.empty();
    if (!take(pulled->messages) || last) co_return pulled;
  }
}

/// The newest messages, oldest first.
struct Newest {
  std::vector<PulledMessage> messages;
  bool older = false;  ///< whether there are older ones
};

Async<Outcome<Newest>> pull_newest(http::HttpClient& client, PullCall call) {
  call.reverse = true;
  Newest newest;
  const auto pulled = co_await pull_pages(client, call, [&](std::vector<PulledMessage>& page) {
    std::ranges::move(page, std::back_inserter(newest.messages));
    return true;
  });
  if (!pulled) co_return std::unexpected(pulled.error());
  newest.older = pulled->has_more;
  std::ranges::reverse(newest.messages);
  co_return newest;
}

void say_that_there_are_older(const Newest& newest) {
  if (!newest.older) return;
  print_error(
      fmt::format("these are the newest {}, and there are older ones: add --limit {} to see more, or --cursor 0 to "
                  "begin at the oldest",
                  newest.messages.size(), newest.messages.size() * 10));
}

Async<int> print_newest(http::HttpClient& client, PullCall call, const PrintStyle& style) {
  const Outcome<Newest> newest = co_await pull_newest(client, std::move(call));
  if (!newest) {
    print_error(newest.error().message);
    co_return 1;
  }
  const Printed printed = print(newest->messages, style);
  if (printed == Printed::kAll) say_that_there_are_older(*newest);
  co_return exit_code(printed);
}

Async<int> print_from_cursor(http::HttpClient& client, PullCall call, const PrintStyle& style) {
  Printed printed = Printed::kAll;
  const bool reverse = call.reverse;
  const auto last = co_await pull_pages(client, std::move(call), [&](const std::vector<PulledMessage>& page) {
    printed = print(page, style);
    return printed == Printed::kAll;
  });
  if (!last) {
    print_error(last.error().message);
    co_return 1;
  }
  if (printed == Printed::kAll && last->has_more) {
    print_error(fmt::format("there are more messages: {}--cursor {} goes on with them", reverse ? "--reverse " : "",
                            last->next_cursor));
  }
  co_return exit_code(printed);
}

/// Tells a person, once an outage, that the server is away; scripts are not told.
class Outage {
 public:
  void begin(const Failure& failure) {
    if (!std::exchange(away_, true) && error_is_terminal()) print_error(failure.message + " (trying again)");
  }
  void end() {
    if (std::exchange(away_, false) && error_is_terminal()) print_error("connected again");
  }

 private:
  bool away_ = false;
};

/// The newest messages as a page from which to go on.
Async<Outcome<Pulled>> first_page(http::HttpClient& client, const PullCall& call) {
  Outcome<Newest> newest = co_await pull_newest(client, call);
  if (!newest) co_return std::unexpected(newest.error());
  say_that_there_are_older(*newest);
  const std::int64_t next = newest->messages.empty() ? 0 : newest->messages.back().send_time + 1;
  co_return Pulled{.messages = std::move(newest->messages), .has_more = false, .next_cursor = next};
}

Async<int> follow(http::HttpClient& client, Executor executor, const PullCommand& command) {
  PullCall call = command.call;
  bool newest = command.newest;
  Outage outage;
  std::chrono::milliseconds pause = kShortestPause;
  bool answered = false;  // a server that never was there is a wrong --url rather than one that restarts
  for (;;) {
    if (!newest && (command.newest || call.limit == 0)) call.limit = kMaxPullLimit;  // of a page
    const Outcome<Pulled> pulled = newest ? co_await first_page(client, call) : co_await pull(client, call);
    if (pulled) {
      answered = true;
      newest = false;
      outage.end();
      if (const Printed printed = print(pulled->messages, command.style); printed != Printed::kAll) {
        co_return exit_code(printed);
      }
      call.cursor = pulled->next_cursor;
      if (!pulled->messages.empty()) pause = kShortestPause;
      if (pulled->has_more) continue;
    } else if (pulled.error().code == "chat_not_found") {
      answered = true;  // and the chat may still come
      newest = false;   // then from its first message on
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
  net::Loop loop;
  boost::asio::io_context& io = loop.io();
  http::HttpClient client(loop, command.url, command.timeout);
  if (!command.follow) {
    return loop.finish(command.newest ? print_newest(client, command.call, command.style)
                                      : print_from_cursor(client, command.call, command.style));
  }
  const StopWatch watch(io);
  int code = 0;  // what a stop leaves
  boost::asio::co_spawn(io, follow(client, io.get_executor(), command), [&](const std::exception_ptr& bug, int result) {
    if (bug) std::rethrow_exception(bug);
    code = result;
    io.stop();
  });
  io.run();
  return code;
}

}  // namespace parley::cli
