#include "redis/watch.h"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>

#include "redis/command.h"

namespace parley::redis {
namespace {

using std::chrono::milliseconds;

/// Between two looks at a cluster of which nobody complains: its nodes redirect who asks the wrong one.
constexpr milliseconds kCalm{5'000};

}  // namespace

Watch::Watch(net::Loop& loop, const ClientOptions& options, ClientMetrics& metrics,
             std::function<void(const Layout&)> on_layout)
    : loop_(loop),
      options_(options),
      metrics_(metrics),
      on_layout_(std::move(on_layout)),
      tasks_(loop.executor()),
      dialer_(loop, tasks_, options),
      known_(options.servers) {}

void Watch::start() { tasks_.spawn(run()); }

void Watch::stop() {
  stopped_ = true;
  dialer_.cancel();
  disconnect();
  wakeup_.wake();
}

void Watch::hurry() {
  if (hurry_.exchange(true)) return;
  boost::asio::post(loop_.executor(), [this] { wakeup_.wake(); });
}

Async<> Watch::run() {
  while (!stopped_) {
    if (hurry_.exchange(false)) disconnect();
    co_await look();
    co_await pause(options_.watch, false);
    if (!sentinel() && !told_.masters.empty()) co_await pause(kCalm, true);
  }
}

Async<> Watch::look() {
  std::string why;
  for (std::size_t tries = known_.size(); tries > 0 && !stopped_; --tries) {
    auto layout = co_await ask();
    if (layout) co_return tell(*std::move(layout));
    why += (why.empty() ? "" : "; ") + asked_.to_string() + ": " + layout.error().detail;
    disconnect();
  }
  if (told_.masters.empty()) tell({.why = std::move(why)});
}

Task<Layout> Watch::ask() {
  if (!connection_ || connection_->closed()) {
    auto connected = co_await connect();
    if (!connected) co_return std::unexpected(std::move(connected).error());
  }
  const std::string command = sentinel() ? format_command({"SENTINEL", "get-master-addr-by-name", options_.master})
                                         : format_command({"CLUSTER", "SLOTS"});
  const auto connection = connection_;
  const CallOptions limit{.deadline = loop_.now() + std::max(2 * options_.watch, milliseconds(200))};
  const CallResult result = co_await connection->call(command, limit);
  if (result.outcome == CallResult::Outcome::kLost) co_return fail(ErrorCode::kUnavailable, result.why);
  if (result.outcome != CallResult::Outcome::kAnswered) {
    co_return fail(ErrorCode::kUnavailable, "the server does not answer in time");
  }
  co_return sentinel() ? read_sentinel_reply(result.reply, options_.master) : read_cluster_slots(result.reply, asked_);
}

Task<void> Watch::connect() {
  asked_ = known_[next_++ % known_.size()];
  auto dialed = co_await dialer_.dial(asked_, sentinel() ? Kind::kSentinel : Kind::kNode,
                                      metrics_.peer(asked_.to_string()), [] {});
  if (!dialed) co_return std::unexpected(std::move(dialed).error());
  connection_ = *std::move(dialed);
  if (!stopped_) co_return Result<void>();
  disconnect();  // stop() knew of none
  co_return fail(ErrorCode::kUnavailable, "nobody needs the connection any longer");
}

void Watch::disconnect() {
  if (const auto connection = std::exchange(connection_, nullptr))
    connection->close("nobody needs the connection any longer");
}

void Watch::tell(Layout layout) {
  if (layout == told_ || stopped_) return;
  told_ = std::move(layout);
  if (!sentinel() && !told_.masters.empty()) {
    known_ = options_.servers;
    for (const auto* nodes : {&told_.masters, &told_.replicas}) {
      for (const net::Endpoint& node : *nodes) {
        if (std::ranges::find(known_, node) == known_.end()) known_.push_back(node);
      }
    }
  }
  on_layout_(told_);
}

Async<> Watch::pause(milliseconds time, bool unless_in_a_hurry) {
  const Deadline until = loop_.now() + time;
  while (!stopped_ && loop_.now() < until && !(unless_in_a_hurry && hurry_.load())) {
    co_await wakeup_.wait(loop_, until);
  }
}

}  // namespace parley::redis
