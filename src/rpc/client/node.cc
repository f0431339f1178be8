#include "rpc/client/node.h"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/endpoint.h"

namespace parley::rpc {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using Outcome = CallResult::Outcome;

constexpr seconds kConnectTimeout{1};
constexpr milliseconds kProbeTimeout{1'000};  // retiring waits for it
/// A foreign server may serve a connection's calls one after the other, and has no Ready that would say that it lives.
constexpr seconds kForeignSilence{5};
/// A silent connection is given up: its node may have gone without a word.
constexpr seconds kLongestSilence{5};

std::string name_of(const boost::asio::ip::tcp::endpoint& address) {
  return net::Endpoint{address.address().to_string(), address.port()}.to_string();
}

bool knows_no_ready(const ApplicationException& thrown) {
  return thrown.type == ExceptionType::kUnknownMethod || thrown.type == ExceptionType::kUnknownService;
}

}  // namespace

Node::Node(NodeContext& context, boost::asio::ip::tcp::endpoint address, net::ClientMetrics& metrics)
    : context_(context),
      address_(std::move(address)),
      name_(name_of(address_)),
      metrics_(metrics.peer(name_)),
      voice_(std::in_place, context.identity),
      connector_(context.loop) {}

void Node::start() { context_.tasks.spawn(run(shared_from_this())); }

void Node::retire() {
  retired_ = true;
  connector_.cancel();
  nudge();
}

std::string Node::reason() const { return fmt::format("{}: {}", name_, reason_); }

Async<> Node::run(std::shared_ptr<Node> self) {
  while (!self->retired_) {
    co_await self->serve();
    self->attempt_over();
    co_await self->pause(self->backoff_.next());
  }
  self->voice_.reset();
}

Async<> Node::serve() {
  auto channel = co_await connect();
  if (!channel) co_return;
  const Deadline since = steady_clock::now();
  connection_ = std::make_shared<NodeConnection>(context_.loop, std::move(channel), context_.options.max_in_flight,
                                                 [weak = weak_from_this()] {
                                                   if (const auto node = weak.lock()) node->nudge();
                                                 });
  context_.tasks.spawn(carry(metrics_, connection_, context_.tasks));
  while (!over()) {
    co_await probe();
    if (!over()) attempt_over();
    co_await pause(context_.options.probe);
  }
  const auto connection = std::exchange(connection_, nullptr);
  stalled_ = false;
  voice_->ends();
  set_down("the connection ended, or the node drains");
  connection->leave();
  if (steady_clock::now() - since > net::Backoff::kLongest) backoff_.reset();
}

Async<> Node::carry(std::shared_ptr<net::PeerMetrics> metrics, std::shared_ptr<NodeConnection> connection,
                    TaskGroup& tasks) {
  metrics->connects.add();
  metrics->connections.add(1);
  co_await NodeConnection::run(std::move(connection), tasks);
  metrics->connections.add(-1);
}

Async<std::unique_ptr<net::Channel>> Node::connect() {
  auto channel = co_await connector_.connect(address_, context_.options.tls.get(), kConnectTimeout);
  if (channel) co_return *std::move(channel);
  metrics_->connect_failures.add();
  foreign_ = false;  // something else may be there when it comes back
  set_down(std::move(channel).error().detail);
  co_return nullptr;
}

Async<> Node::probe() {
  if (foreign_) {
    if (!judge_silence(kForeignSilence) && accept("")) set_up();
    co_return;
  }
  const milliseconds patience = 2 * context_.options.probe;
  const Request request = ReadyRequest{};
  const CallOptions options{.deadline = steady_clock::now() + std::min(patience, kProbeTimeout), .request_id = "probe"};
  const std::int64_t asked = wall_clock_us();
  PendingCall call(*connection_, request, options);
  co_await call.ended();
  const CallResult& result = call.result();
  if (result.outcome == Outcome::kAnswered) judge(result, asked);
  // Where other calls are answered, and only the probe is not, the node is busy and not silent.
  if (result.outcome == Outcome::kExpired || result.outcome == Outcome::kFull) judge_silence(patience);
}

void Node::judge(const CallResult& result, std::int64_t asked) {
  auto reply = decode_ready_reply(result.message, result.protocol);
  if (!reply && knows_no_ready(reply.error())) {
    foreign_ = true;
    (void)accept("");  // so that a conflict is known at once, and not when the next connection is there
    backoff_.reset();
    connection_->close();  // a Kitex server closes it after such a call, which others must not be caught in
  } else if (!reply) {
    voice_->ends();
    set_down("the node cannot say whether it is ready: " + reply.error().message);
  } else if (reply->code != 0 && reply->response.refuses_sends.empty()) {
    voice_->ends();  // another store may take the place of the one that it cannot reach
    set_down("the node is not ready: " + reply->message);
  } else if (accept(reply->response.store_id)) {
    // Between our asking and its answering; halfway is the best guess.
    const std::int64_t ours = (asked + wall_clock_us()) / 2;
    const std::int64_t theirs = reply->response.clock == 0 ? ours : reply->response.clock;
    context_.identity.note(reply->response.durability, std::chrono::microseconds(theirs - ours));
    set_up(reply->response.refuses_sends);
  }
}

bool Node::accept(const std::string& store_id) {
  keyless_ = store_id.empty();
  const bool accepted = voice_->says(store_id);
  if (!accepted) {
    set_down(keyless_                         ? "the node is a foreign server, but the nodes in use are not"
             : context_.identity.is_foreign() ? "the node is not a foreign server, but the nodes in use are"
                                              : "the node serves another store than the nodes in use");
  }
  return accepted;
}

bool Node::judge_silence(steady_clock::duration patience) {
  const auto silence = connection_->silence();
  if (silence < patience) return false;
  stalled_ = true;
  set_down("the node does not answer");
  context_.on_change();
  if (silence > kLongestSilence) connection_->close();
  return true;
}

void Node::set_up(const std::string& refusal) {
  stalled_ = false;
  std::string reason = refusal.empty() ? "the node is up" : "the node takes no sends: " + refusal;
  if ((up_ && reason == reason_) || over()) return;
  takes_sends_ = refusal.empty();
  reason_ = std::move(reason);
  if (!std::exchange(up_, true)) metrics_->up.add(1);
  if (context_.loop.index() == 0 && log_.may_log(reason_)) {
    takes_sends_ ? log_info("a node is up", {{"node", name_}})
                 : log_warn("a node is up for pulls only", {{"node", name_}, {"why", refusal}});
  }
  context_.on_change();
}

void Node::set_down(std::string reason) {
  // Each loop finds out by itself; one of them tells.
  if (context_.loop.index() == 0 && !retired_ && log_.may_log(reason)) {
    log_warn("a node is left out", {{"node", name_}, {"why", reason}});
  }
  reason_ = std::move(reason);
  if (!std::exchange(up_, false)) return;
  metrics_->up.add(-1);
  context_.on_change();
}

void Node::attempt_over() {
  if (std::exchange(tried_, true)) return;
  context_.on_change();
}

Async<> Node::pause(steady_clock::duration time) {
  const Deadline until = steady_clock::now() + time;
  while (!over() && steady_clock::now() < until) {
    co_await happened_.wait(context_.loop, until);
  }
}

/// Not at once: who calls is in the middle of something.
void Node::nudge() {
  boost::asio::post(context_.loop.executor(), [self = shared_from_this()] { self->happened_.wake(); });
}

}  // namespace parley::rpc
