// The way to a peer as one loop sees it: a connection, made again and again, and whether calls may go there.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/post.hpp>

#include "base/clock.h"
#include "base/log_limits.h"
#include "base/task_group.h"
#include "net/backoff.h"
#include "net/client_metrics.h"
#include "net/loop.h"
#include "net/waiters.h"

namespace parley::net {

/// What all peers of a client have in common on a loop. Outlives them.
struct PeerContext {
  Loop& loop;
  TaskGroup& tasks;
  ClientMetrics& metrics;
  std::function<void()> on_change;  ///< one has come up, gone down, failed an attempt or changed its mind
};

/// All on its loop's thread. Made by std::make_shared.
///
/// `Self`, which is derived from this, knows the peer:
/// - connect() makes a connection. Null: it cannot, and has said why by set_down().
/// - serve() looks after connection() until over(), and calls set_up() and set_down() as it finds the peer.
/// - ending() says whether no new call should go to connection(). Call nudge() when that may have changed.
/// - leave(connection) ends a connection that is over.
/// - cancel() ends what is under way, for retire().
/// - tell_up(how) and tell_down(why) log the change.
/// - gone() may take the place of the one here. It is called when nobody connects any more.
template <class Self, class Connection>
class Peer : public std::enable_shared_from_this<Self> {
 public:
  /// Connects, looks and reconnects until retire(). Once.
  void start() { context_.tasks.spawn(run(this->shared_from_this())); }
  /// Takes no more calls.
  void retire() {
    retired_ = true;
    self().cancel();
    nudge();
  }

  [[nodiscard]] PeerMetrics& metrics() noexcept { return *metrics_; }
  /// Whether calls may go there.
  [[nodiscard]] bool up() const noexcept { return up_ && !over(); }
  /// The connection to call on. While up().
  [[nodiscard]] const std::shared_ptr<Connection>& connection() const noexcept { return connection_; }
  /// Why it is not up, for a person, with its name.
  [[nodiscard]] std::string reason() const { return name_ + ": " + reason_; }

 protected:
  /// Whether no new call should go to the connection, if there is one.
  [[nodiscard]] bool over() const noexcept {
    return retired_ || (connection_ && static_cast<const Self&>(*this).ending());
  }
  /// Calls may go there, in the way that `reason` says.
  void set_up(std::string reason) {
    if ((up_ && reason == reason_) || over()) return;
    reason_ = std::move(reason);
    if (!std::exchange(up_, true)) metrics_->up.add(1);
    if (may_tell(reason_)) self().tell_up(reason_);
    context_.on_change();
  }
  void set_down(std::string reason) {
    if (may_tell(reason)) self().tell_down(reason);
    reason_ = std::move(reason);
    if (!std::exchange(up_, false)) return;
    metrics_->up.add(-1);
    context_.on_change();
  }
  /// Suspends for `time`, or until it is over.
  [[nodiscard]] Async<> pause(std::chrono::steady_clock::duration time) {
    const Deadline until = context_.loop.now() + time;
    while (!over() && context_.loop.now() < until) co_await happened_.wait(context_.loop, until);
  }
  /// Ends a pause if it is over. Not at once: who calls is in the middle of something.
  void nudge() {
    boost::asio::post(context_.loop.executor(), [self = this->shared_from_this()] { self->happened_.wake(); });
  }
  /// As nudge(), for somebody who does not keep the peer.
  [[nodiscard]] std::function<void()> nudger() {
    return [weak = this->weak_from_this()] {
      if (const auto self = weak.lock()) self->nudge();
    };
  }
  void gone() {}

  const std::string name_;
  const std::shared_ptr<PeerMetrics> metrics_;
  std::shared_ptr<Connection> connection_;
  Backoff backoff_;
  TimedWakeup happened_;
  bool up_ = false;

 private:
  friend Self;

  /// It pauses for up to `longest` between two attempts.
  Peer(PeerContext& context, std::string name, std::chrono::milliseconds longest)
      : name_(std::move(name)), metrics_(context.metrics.peer(name_)), context_(context), longest_(longest) {}
  ~Peer() = default;

  [[nodiscard]] Self& self() noexcept { return static_cast<Self&>(*this); }

  static Async<> run(std::shared_ptr<Self> self) {
    while (!self->retired_) {
      self->connection_ = co_await self->connect();
      if (self->connection_) {
        co_await self->serve();
        auto connection = std::exchange(self->connection_, nullptr);
        co_await self->leave(std::move(connection));
      }
      co_await self->pause(std::min(self->backoff_.next(), self->longest_));
    }
    self->gone();
  }

  /// Each loop finds out by itself; one of them tells.
  [[nodiscard]] bool may_tell(std::string_view state) {
    return context_.loop.index() == 0 && !retired_ && log_.may_log(state, context_.loop.now());
  }

  PeerContext& context_;
  const std::chrono::milliseconds longest_;
  std::string reason_ = "the server was not tried yet";
  StateLog log_;
  bool retired_ = false;
};

}  // namespace parley::net
