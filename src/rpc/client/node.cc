#include "rpc/client/node.h"

#include <algorithm>
#include <utility>

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

}  // namespace

Node::Node(NodeContext& context, boost::asio::ip::tcp::endpoint address)
    : Peer(context, name_of(address), net::Backoff::kLongest),
      context_(context),
      address_(std::move(address)),
      voice_(std::in_place, context.identity),
      connector_(context.loop) {}

Async<std::shared_ptr<NodeConnection>> Node::connect() {
  auto channel = co_await connector_.connect(address_, context_.options.tls.get(), kConnectTimeout);
  if (!channel) {
    metrics_->connect_failures.add();
    foreign_ = false;  // something else may be there when it comes back
    set_down(std::move(channel).error().detail);
    attempt_over();
    co_return nullptr;
  }
  connected_at_ = context_.loop.now();
  auto connection =
      std::make_shared<NodeConnection>(context_.loop, *std::move(channel), context_.options.max_in_flight, nudger());
  context_.tasks.spawn(NodeConnection::run(connection, context_.tasks, metrics_));
  co_return connection;
}

Async<> Node::serve() {
  while (!over()) {
    co_await probe();
    if (!over()) attempt_over();
    co_await pause(context_.options.probe);
  }
}

Async<> Node::leave(std::shared_ptr<NodeConnection> connection) {
  stalled_ = false;
  voice_->ends(context_.loop.now());
  set_down(connection->closed() ? connection->why() : "the node drains");
  connection->leave();
  if (context_.loop.now() - connected_at_ > net::Backoff::kLongest) backoff_.reset();
  attempt_over();
  co_return;
}

Async<> Node::probe() {
  if (foreign_) {
    if (!judge_silence(kForeignSilence) && accept("")) take_calls();
    co_return;
  }
  const milliseconds patience = 2 * context_.options.probe;
  const Request request = ReadyRequest{};
  const CallOptions options{.deadline = context_.loop.now() + std::min(patience, kProbeTimeout), .request_id = "probe"};
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
  if (!reply && is_unknown_method(reply.error())) {
    foreign_ = true;
    (void)accept("");  // so that a conflict is known at once, and not when the next connection is there
    backoff_.reset();
    // A Kitex server closes it after such a call, which others must not be caught in.
    connection_->close("the node is a foreign server, so the gateway connects to it again");
  } else if (!reply) {
    voice_->ends(context_.loop.now());
    set_down("the node cannot say whether it is ready: " + reply.error().message);
  } else if (reply->code != 0 && reply->response.refuses_sends.empty()) {
    voice_->ends(context_.loop.now());  // another store may take the place of the one that it cannot reach
    set_down("the node is not ready: " + reply->message);
  } else if (accept(reply->response.store_id)) {
    // Between our asking and its answering; halfway is the best guess.
    const std::int64_t ours = (asked + wall_clock_us()) / 2;
    const std::int64_t theirs = reply->response.clock == 0 ? ours : reply->response.clock;
    context_.identity.note(reply->response.durability, std::chrono::microseconds(theirs - ours));
    take_calls(reply->response.refuses_sends);
  }
}

bool Node::accept(const std::string& store_id) {
  keyless_ = store_id.empty();
  const bool accepted = voice_->says(store_id, context_.loop.now());
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
  if (silence > kLongestSilence) connection_->close("the node does not answer");
  return true;
}

void Node::take_calls(const std::string& refusal) {
  stalled_ = false;
  takes_sends_ = refusal.empty();
  set_up(refusal.empty() ? "the node is up" : "the node takes no sends: " + refusal);
}

void Node::tell_up(const std::string& how) const {
  takes_sends_ ? log_info("a node is up", {{"node", name_}})
               : log_warn("a node is up for pulls only", {{"node", name_}, {"why", how}});
}

void Node::tell_down(const std::string& why) const { log_warn("a node is left out", {{"node", name_}, {"why", why}}); }

void Node::attempt_over() {
  if (std::exchange(tried_, true)) return;
  context_.on_change();
}

}  // namespace parley::rpc
