#include "redis/link.h"

#include <utility>

#include "base/log.h"
#include "redis/command.h"

namespace parley::redis {
namespace {

using std::chrono::seconds;

/// A silent connection is given up: its server may have gone without a word.
constexpr seconds kLongestSilence{5};

Async<CallResult> ask_on(std::shared_ptr<Connection> connection, std::string command, std::chrono::milliseconds time) {
  CallResult result = co_await connection->call(command, {.deadline = net::Loop::current().now() + time});
  co_return result;
}

}  // namespace

// While the master is unreachable we ask Sentinel who it is. We wait no longer than one such round.
Link::Link(LinkContext& context, net::Endpoint server, Kind kind)
    : Peer(context, server.to_string(), context.options.watch),
      context_(context),
      server_(std::move(server)),
      kind_(kind),
      dialer_(context.loop, context.tasks, context.options),
      down_since_(context_.loop.now()) {}

void Link::cancel() {
  dialer_.cancel();
  if (connection_) connection_->close("another server is the master now");
}

void Link::renew() {
  if (!connection_ || std::exchange(renewing_, true)) return;
  nudge();
}

Async<std::shared_ptr<Connection>> Link::connect() {
  auto dialed = co_await dialer_.dial(server_, kind_, metrics_, nudger());
  turned_away_ = dialer_.turned_away();
  if (dialed) co_return *std::move(dialed);
  set_down(std::move(dialed).error().detail, down_since_);
  context_.on_change();
  co_return nullptr;
}

Async<> Link::serve() {
  if (const auto admitted = co_await admit(); !admitted) connection_->close(admitted.error().detail);
  if (!over()) {
    served_ = true;
    context_.on_link();
    set_up("the server is up");
  }
  while (!over()) {
    co_await pause(context_.options.watch);
    if (!over()) judge_silence();
    if (!over()) co_await probe();
  }
}

/// Ends the connection once its calls have ended, if that is in time.
Async<> Link::leave(std::shared_ptr<Connection> connection) {
  const Deadline now = context_.loop.now();
  const bool replica = std::exchange(renewing_, false);
  if (std::exchange(served_, false)) context_.on_link();
  set_down(replica ? "the server is a replica" : connection->why(), now);
  const Deadline last = now + context_.options.watch;
  while (!connection->closed() && connection->in_flight() > 0 && context_.loop.now() < last) {
    co_await happened_.wait(context_.loop, context_.loop.now());  // for a tick
  }
  connection->close("another server is the master now");
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

Async<> Link::probe() {
  if (connection_->in_flight() > 0) co_return;
  const auto connection = connection_;
  static const std::string ping = format_command({"PING"});
  (void)co_await connection->call(ping, {.deadline = context_.loop.now() + context_.options.patience});
}

/// What is silent for longer than an outage may last takes no calls, until it speaks again: they would only end without
/// anybody knowing whether they were executed.
void Link::judge_silence() {
  const auto silence = connection_->silence();
  if (silence > kLongestSilence) connection_->close("the server does not answer");
  if (silence > 2 * context_.options.watch) context_.look();
  if (silence < context_.options.patience) {
    set_up("the server is up");
  } else {
    set_down("the server does not answer", context_.loop.now() - silence);
  }
}

void Link::set_down(std::string reason, Deadline since) {
  if (up_) down_since_ = since;
  Peer::set_down(std::move(reason));
}

void Link::tell_up(const std::string& /*how*/) const { log_info("redis is up", {{"server", name_}}); }

void Link::tell_down(const std::string& why) const {
  log_warn("redis cannot be used", {{"server", name_}, {"why", why}});
}

}  // namespace parley::redis
