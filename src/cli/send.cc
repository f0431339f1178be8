#include "cli/send.h"

#include <algorithm>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/output.h"
#include "base/random_id.h"
#include "net/loop.h"

namespace parley::cli {
namespace {

using Timer = boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                                boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;

constexpr int kAttempts = 6;
constexpr std::chrono::milliseconds kFirstPause{100};
constexpr std::chrono::milliseconds kLongestPause{3'000};

struct Attempts {
  Outcome<Sent> last;
  bool may_be_stored = false;  ///< some attempt may have stored, though the last one failed
};

Async<Attempts> send_with_patience(http::HttpClient& client, Executor executor, const SendCall& call) {
  std::chrono::milliseconds pause = kFirstPause;
  bool stored = false;
  for (int attempt = 1;; ++attempt) {
    Outcome<Sent> sent = co_await send(client, call);
    if (!sent) stored = stored || sent.error().maybe_done;
    if (sent || !sent.error().passing || attempt == kAttempts) co_return Attempts{std::move(sent), stored};
    Timer timer(executor);
    timer.expires_after(std::clamp<std::chrono::milliseconds>(sent.error().retry_after, pause, kLongestPause));
    co_await timer.async_wait(kAwait);
    pause = std::min(pause * 2, kLongestPause);
  }
}

std::string render(const Sent& sent, bool json) {
  if (json) {
    return boost::json::serialize(
               boost::json::object{{"chat", sent.chat}, {"send_time", sent.send_time}, {"duplicate", sent.duplicate}}) +
           "\n";
  }
  return fmt::format("{} {}{}\n", sent.chat, sent.send_time, sent.duplicate ? " duplicate" : "");
}

}  // namespace

int run(const SendCommand& command) {
  SendCall call = command.call;
  if (call.idempotency_key.empty()) call.idempotency_key = random_id();
  net::Loop loop;
  http::HttpClient client(loop, command.url, command.timeout);
  const Attempts attempts = loop.finish(send_with_patience(client, loop.executor(), call));
  if (attempts.last) return write_output(render(*attempts.last, command.json)) ? 0 : 1;
  print_error(attempts.last.error().message);
  if (attempts.may_be_stored) {
    print_error(
        fmt::format("the message may have been stored: to be sure, repeat the command with --idempotency-key {}",
                    call.idempotency_key));
  }
  return 1;
}

}  // namespace parley::cli
