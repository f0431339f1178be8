#include "redis/link.h"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>

#include "base/log.h"
#include "redis/command.h"

namespace parley::redis {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

/// A silent connection is given up: its server may have gone without a word.
constexpr seconds kLongestSilence{5};

Async<CallResult> ask_on(std::shared_ptr<Connection> connection, std::string command, std::chrono::milliseconds time) {
  CallResult result = co_await connection->call(command, {.deadline = steady_clock::now() + time});
  co_return result;
}

}  // namespace

Link::Link(LinkContext& context, net::Endpoint server, Kind kind)
    : context_(context),
      server_(std::move(server)),
      name_(server_.to_string()),
      kind_(kind),
      metrics_(context.metrics.peer(name_)),
      dialer_(context.loop, context.tasks, context.options),
      down_since_(steady_clock::now()) {}

void Link::start() { context_.tasks.spawn(run(shared_from_this())); }

void Link::retire() {
  retired_ = true;
  dialer_.cancel();
  if (connection_) connection_->close("another server is the master now");
  nudge();
}

void Link::renew() {
  if (!connection_ || std::exchange(renewing_, true)) return;
  nudge();
}

std::string Link::reason() const { return name_ + ": " + reason_; }

Async<> Link::run(std::shared_ptr<Link> self) {
  while (!self->retired_) {
    co_await self->serve();
    // While the master is unreachable we ask Sentinel who it is. We wait no longer than one such round.
    co_await self->pause(std::min(self->backoff_.next(), self->context_.options.watch), &Link::retired);
  }
}

Async<> Link::serve() {
  auto dialed = co_await dialer_.dial(server_, kind_, metrics_, [weak = weak_from_this()] {
    if (const auto link = weak.lock()) link->nudge();
  });
  turned_away_ = dialer_.turned_away();
  if (!dialed) {
    set_down(std::move(dialed).error().detail, down_since_);
    context_.on_change();
    co_return;
  }
  connection_ = *std::move(dialed);
  if (const auto admitted = co_await admit(); !admitted) connection_->close(admitted.error().detail);
  set_up();
  while (!over()) {
    co_await pause(context_.options.watch, &Link::over);
    if (!over()) judge_silence();
    if (!over()) co_await probe();
  }
  const auto connection = std::exchange(connection_, nullptr);
  const bool replica = std::exchange(renewing_, false);
  set_down(replica ? "the server is a replica" : connection->why(), steady_clock::now());
  co_await leave(connection);
  if (!replica) backoff_.reset();
}

Task<void> Link::admit() {
  if (!context_.options.on_connect) co_return Result<void>{};
  Ask ask = [connection = connection_, time = context_.options.connect_timeout](std::string command) {
    return ask_on(connection, std::move(command), time);
  };
  auto admitted = co_await context_.options.on_connect(name_, std::move(ask));
  co_return admitted;
}

Async<> Link::leave(std::shared_ptr<Connection> connection) {
  const Deadline last = steady_clock::now() + context_.options.watch;
  while (!connection->closed() && connection->in_flight() > 0 && steady_clock::now() < last) {
    co_await happened_.wait(context_.loop, steady_clock::now());  // for a tick
  }
  connection->close("another server is the master now");
}

Async<> Link::probe() {
  if (connection_->in_flight() > 0) co_return;
  const auto connection = connection_;
  static const std::string ping = format_command({"PING"});
  (void)co_await connection->call(ping, {.deadline = steady_clock::now() + context_.options.patience});
}

/// What is silent for longer than an outage may last takes no calls, until it speaks again: they would only end without
/// anybody knowing whether they were executed.
void Link::judge_silence() {
  const auto silence = connection_->silence();
  if (silence > kLongestSilence) connection_->close("the server does not answer");
  if (silence > 2 * context_.options.watch) context_.look();
  if (silence < context_.options.patience) {
    set_up();
  } else {
    set_down("the server does not answer", steady_clock::now() - silence);
  }
}

void Link::set_up() {
  if (up_ || over()) return;
  up_ = true;
  reason_ = "the server is up";
  metrics_->up.add(1);
  if (context_.loop.index() == 0 && log_.may_log(reason_)) log_info("redis is up", {{"server", name_}});
  context_.on_change();
}

void Link::set_down(std::string reason, Deadline since) {
  // Each loop finds out by itself; one of them tells.
  if (context_.loop.index() == 0 && !retired_ && log_.may_log(reason)) {
    log_warn("redis cannot be used", {{"server", name_}, {"why", reason}});
  }
  reason_ = std::move(reason);
  if (!std::exchange(up_, false)) return;
  down_since_ = since;
  metrics_->up.add(-1);
  context_.on_change();
}

Async<> Link::pause(steady_clock::duration time, bool (Link::*ended)() const noexcept) {
  const Deadline until = steady_clock::now() + time;
  while (!(this->*ended)() && steady_clock::now() < until) {
    co_await happened_.wait(context_.loop, until);
  }
}

/// Not at once: who calls is in the middle of something.
void Link::nudge() {
  boost::asio::post(context_.loop.executor(), [self = shared_from_this()] { self->happened_.wake(); });
}

}  // namespace parley::redis
