#include "redis/connection.h"

#include <algorithm>
#include <utility>

#include "redis/command.h"

namespace parley::redis {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using Outcome = CallResult::Outcome;

constexpr milliseconds kLongestWait{2'000};  // of calls without a deadline

}  // namespace

PendingCall::PendingCall(Connection& connection, std::string_view command, CallOptions options, bool asking,
                         CallResult& result)
    : command_(command),
      result_(result),
      deadline_(options.deadline),
      replicate_(options.replicate && connection.options_.replicas > 0),
      asking_(asking),
      expiry_([this, &connection] { connection.end(*this, Outcome::kExpired); }) {
  result_ = {};
  connection.start(*this);
}

Async<CallResult> Connection::call(std::string_view command, CallOptions options) {
  CallResult result;
  PendingCall call(*this, command, options, false, result);
  co_await call.ended();
  co_return result;
}

void Connection::start(PendingCall& call) {
  if (closed()) return lose(call);
  if (in_flight() >= options_.max_in_flight) return end(call, Outcome::kFull);
  if (loop_.passed(call.deadline_)) return end(call, Outcome::kExpired);
  loop_.deadlines().arm(call.expiry_, call.deadline_);
  call.where_ = PendingCall::Where::kQueued;
  enqueue(call);
}

void Connection::end(PendingCall& call, Outcome outcome) {
  forget(call);
  call.expiry_.disarm();
  call.result_.outcome = outcome;
  if (outcome != Outcome::kAnswered && outcome != Outcome::kShort) call.result_.reply = {};
  call.ended_.wake();
}

/// Takes `call` off wherever it is; its answer, if one is to come, is nobody's.
void Connection::forget(PendingCall& call) {
  switch (call.where_) {
    case PendingCall::Where::kNowhere: return;
    case PendingCall::Where::kQueued: std::erase(queue_, &call); return;
    case PendingCall::Where::kHeld: held_[call.place_] = nullptr; return;
    case PendingCall::Where::kSent:
      if (call.place_ >= first_) replies_[call.place_ - first_].call = nullptr;
      return;
  }
}

void Connection::lose(PendingCall& call) {
  call.result_.why = why();
  end(call, Outcome::kLost);
}

void Connection::end_all() {
  for (PendingCall* const& call : held_) {
    if (call != nullptr) lose(*call);
  }
  held_.clear();
  while (!replies_.empty()) {
    PendingCall* const call = replies_.front().call;
    replies_.pop_front();
    ++first_;
    if (call != nullptr) lose(*call);
  }
  while (!queue_.empty()) lose(*queue_.front());
}

steady_clock::duration Connection::silence() const {
  const auto silent = Pipeline::silence();
  return waiting_ ? std::max(silent - wait_, steady_clock::duration::zero()) : silent;
}

std::string_view Connection::take_input() {
  std::string_view rest(input_.data(), std::exchange(filled_, 0));
  std::string_view wrong;
  while (!rest.empty() && wrong.empty() && !closed()) {
    const auto piece = rest.substr(0, ReplyReader::kPiece);
    rest.remove_prefix(piece.size());
    wrong = take_replies(piece);
  }
  return wrong;
}

std::string_view Connection::take_replies(std::string_view bytes) {
  reader_.feed(bytes);
  while (!closed()) {
    auto reply = reader_.take();
    if (!reply) {
      if (reply.error().code != ErrorCode::kBodyTooLarge) return "the server does not speak Redis' protocol";
      end_too_large();
      return {};
    }
    if (!*reply) break;
    if (replies_.empty()) return "the server answered more than we asked";
    take_reply(**std::move(reply));
  }
  return {};
}

/// Whoever has asked for it is told, so that it is not asked for again.
void Connection::end_too_large() {
  close("the server's answer is larger than we accept");
  PendingCall* const call = replies_.empty() ? nullptr : replies_.front().call;
  if (call == nullptr) return;
  call->result_.why = why();
  end(*call, Outcome::kTooLarge);
}

void Connection::take_reply(Reply reply) {
  const Expected expected = replies_.front();
  replies_.pop_front();
  ++first_;
  if (expected.wait) return end_wait(reply);
  if (expected.call == nullptr) return;
  PendingCall& call = *expected.call;
  call.result_.reply = std::move(reply);
  if (!call.replicate_ || call.result_.reply.is_error()) return end(call, Outcome::kAnswered);
  call.where_ = PendingCall::Where::kHeld;
  call.place_ = held_.size();
  held_.push_back(&call);
}

void Connection::end_wait(const Reply& reply) {
  const bool confirmed =
      reply.type == Reply::Type::kInteger && std::cmp_greater_equal(reply.integer, options_.replicas);
  waiting_ = false;
  for (PendingCall* const& call : held_) {  // an end may take others off
    if (call == nullptr) continue;
    if (!confirmed) {
      call->result_.why =
          reply.is_error() ? reply.text : "only " + std::to_string(reply.integer) + " replicas confirmed it";
    }
    end(*call, confirmed ? Outcome::kAnswered : Outcome::kShort);
  }
  held_.clear();
  if (may_write()) wake_writer();
}

std::uint64_t Connection::append(PendingCall& call, std::string& batch) {
  if (call.asking_) {
    static const std::string asking = format_command({"ASKING"});
    batch += asking;
    replies_.emplace_back();
  }
  batch += call.command_;
  call.place_ = first_ + replies_.size();
  call.where_ = PendingCall::Where::kSent;
  call.result_.sent = true;
  replies_.push_back({.call = &call});
  if (call.replicate_) wait_until_ = std::max(wait_until_.value_or(call.deadline_), call.deadline_);
  return call.place_;
}

/// One WAIT for all of the batch. The server reads nothing more from this connection until it has answered, so the next
/// batch waits here for that, where it grows and where it is still known not to have been sent.
void Connection::end_batch(std::string& batch) {
  if (!wait_until_) return;
  waiting_ = true;
  const Deadline until = *std::exchange(wait_until_, std::nullopt);
  wait_ = until == kNoDeadline ? kLongestWait : net::time_for_peer(until, loop_.now());
  batch += format_command({"WAIT", std::to_string(options_.replicas), std::to_string(wait_.count())});
  replies_.push_back({.wait = true});
}

PendingCall* Connection::find(std::uint64_t place) { return place < first_ ? nullptr : replies_[place - first_].call; }

}  // namespace parley::redis
