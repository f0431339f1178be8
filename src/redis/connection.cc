#include "redis/connection.h"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>

#include "redis/command.h"

namespace parley::redis {
namespace {

using boost::system::error_code;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using Outcome = CallResult::Outcome;

constexpr std::size_t kReadRoom = std::size_t{64} << 10;
constexpr std::size_t kBatch = std::size_t{256} << 10;
constexpr milliseconds kLongestWait{2'000};  // of calls without a deadline

/// WAIT's part of the time that is left: less than all of it, so that what it says of replicas that were too slow still
/// reaches us before the deadline does.
milliseconds wait_time(Deadline until) {
  if (until == kNoDeadline) return kLongestWait;
  const auto left = std::chrono::duration_cast<milliseconds>(until - steady_clock::now());
  return std::max(left - std::min(left / 10, milliseconds(100)), milliseconds(1));  // 0 would be for ever
}

}  // namespace

Connection::Connection(net::Loop& loop, std::unique_ptr<net::Channel> channel, Options options,
                       std::function<void()> on_end)
    : loop_(loop),
      channel_(std::move(channel)),
      options_(options),
      on_end_(std::move(on_end)),
      input_(kReadRoom, '\0') {}

Connection::~Connection() = default;

Async<> Connection::run(std::shared_ptr<Connection> self, TaskGroup& group) {
  group.spawn(self->write());
  co_await self->read();
  co_await self->writer_ended_.wait();
  self->end_all();
}

Connection::Call::Call(Connection& connection, std::string_view command, CallOptions options, bool asking,
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
  Call call(*this, command, options, false, result);
  co_await call.ended();
  co_return result;
}

void Connection::start(Call& call) {
  if (closed_) {
    call.result_.why = why_;
    return end(call, Outcome::kLost);
  }
  if (in_flight() >= options_.max_in_flight) return end(call, Outcome::kFull);
  if (call.deadline_ <= steady_clock::now()) return end(call, Outcome::kExpired);
  loop_.deadlines().arm(call.expiry_, call.deadline_);
  call.where_ = Call::Where::kQueued;
  queue_.push_back(&call);
  if (may_write()) wake_writer();
}

/// After what is ready in this turn, so that its calls go into one write.
void Connection::wake_writer() {
  if (!std::exchange(writer_idle_, false)) return;
  boost::asio::post(loop_.executor(), [self = shared_from_this()] { self->work_.wake(); });
}

void Connection::end(Call& call, Outcome outcome) {
  forget(call);
  call.expiry_.disarm();
  call.result_.outcome = outcome;
  if (outcome != Outcome::kAnswered && outcome != Outcome::kShort) call.result_.reply = {};
  call.ended_.wake();
}

/// Takes `call` off wherever it is; its answer, if one is to come, is nobody's.
void Connection::forget(Call& call) {
  switch (call.where_) {
    case Call::Where::kNowhere: return;
    case Call::Where::kQueued: std::erase(queue_, &call); return;
    case Call::Where::kHeld: held_[call.place_] = nullptr; return;
    case Call::Where::kSent:
      if (call.place_ >= first_) replies_[call.place_ - first_].call = nullptr;
      return;
  }
}

void Connection::end_all() {
  const auto lose = [this](Call& call) {
    call.result_.why = why_;
    end(call, Outcome::kLost);
  };
  for (Call* const& call : held_) {
    if (call != nullptr) lose(*call);
  }
  held_.clear();
  while (!replies_.empty()) {
    Call* const call = replies_.front().call;
    replies_.pop_front();
    ++first_;
    if (call != nullptr) lose(*call);
  }
  while (!queue_.empty()) lose(*queue_.front());
}

void Connection::close(std::string why) {
  if (std::exchange(closed_, true)) return;
  why_ = std::move(why);
  channel_->close();
  wake_writer();
  on_end_();
}

steady_clock::duration Connection::silence() const {
  if (!silent_since_) return {};
  const auto silent = steady_clock::now() - *silent_since_;
  return waiting_ ? std::max(silent - wait_, steady_clock::duration::zero()) : silent;
}

Async<> Connection::read() {
  while (!closed_) {
    co_await channel_->readable();
    if (closed_) break;
    error_code error;
    const std::size_t size = channel_->read_some(input_.data(), input_.size(), error);
    if (net::would_block(error)) continue;
    if (error) {
      close(error == boost::asio::error::eof ? "the server closed the connection" : error.message());
      co_return;
    }
    silent_since_.reset();
    for (std::string_view rest(input_.data(), size); !rest.empty() && !closed_;) {
      const auto piece = rest.substr(0, ReplyReader::kPiece);
      rest.remove_prefix(piece.size());
      const auto wrong = take_replies(piece);
      if (!wrong.empty()) close(std::string(wrong));
    }
    if (!replies_.empty()) silent_since_ = steady_clock::now();
  }
}

std::string_view Connection::take_replies(std::string_view bytes) {
  reader_.feed(bytes);
  while (!closed_) {
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
  Call* const call = replies_.empty() ? nullptr : replies_.front().call;
  if (call == nullptr) return;
  call->result_.why = why_;
  end(*call, Outcome::kTooLarge);
}

void Connection::take_reply(Reply reply) {
  const Expected expected = replies_.front();
  replies_.pop_front();
  ++first_;
  if (expected.wait) return end_wait(reply);
  if (expected.call == nullptr) return;
  Call& call = *expected.call;
  call.result_.reply = std::move(reply);
  if (!call.replicate_ || call.result_.reply.is_error()) return end(call, Outcome::kAnswered);
  call.where_ = Call::Where::kHeld;
  call.place_ = held_.size();
  held_.push_back(&call);
}

void Connection::end_wait(const Reply& reply) {
  const bool confirmed =
      reply.type == Reply::Type::kInteger && std::cmp_greater_equal(reply.integer, options_.replicas);
  waiting_ = false;
  for (Call* const& call : held_) {  // an end may take others off
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

Async<> Connection::write() {
  const auto keep = shared_from_this();
  while (!closed_) {
    if (!may_write()) {
      writer_idle_ = true;
      co_await work_.wait();
      continue;
    }
    fill_batch();
    const std::size_t written = co_await write_batch();
    if (written == batch_.size()) continue;
    take_back_unsent(written);
    close("writing to the connection failed");
  }
  writer_ended_.wake();
}

Async<std::size_t> Connection::write_batch() {
  std::size_t written = 0;
  while (written < batch_.size() && !closed_) {
    error_code error;
    written += channel_->write_some(std::string_view(batch_).substr(written), {}, error);
    if (error && !net::would_block(error)) break;
    if (error) co_await channel_->writable();
  }
  co_return written;
}

void Connection::fill_batch() {
  batch_.clear();
  batch_ends_.clear();
  std::optional<Deadline> wait_until;
  while (!queue_.empty() && batch_.size() < kBatch) {
    Call& call = *queue_.front();
    queue_.pop_front();
    append(call);
    if (call.replicate_) wait_until = std::max(wait_until.value_or(call.deadline_), call.deadline_);
  }
  if (wait_until) append_wait(*wait_until);
  if (!silent_since_) silent_since_ = steady_clock::now();
}

void Connection::append(Call& call) {
  if (call.asking_) {
    static const std::string asking = format_command({"ASKING"});
    batch_ += asking;
    replies_.emplace_back();
  }
  batch_ += call.command_;
  call.place_ = first_ + replies_.size();
  call.where_ = Call::Where::kSent;
  call.result_.sent = true;
  replies_.push_back({.call = &call});
  batch_ends_.emplace_back(call.place_, batch_.size());
}

/// One for all of the batch. The server reads nothing more from this connection until it has answered, so the next
/// batch waits here for that, where it grows and where it is still known not to have been sent.
void Connection::append_wait(Deadline until) {
  waiting_ = true;
  wait_ = wait_time(until);
  batch_ += format_command({"WAIT", std::to_string(options_.replicas), std::to_string(wait_.count())});
  replies_.push_back({.wait = true});
}

/// Of a command that was not written to its end, the server can make nothing.
void Connection::take_back_unsent(std::size_t written) {
  for (const auto& [place, end] : batch_ends_) {
    if (end <= written || place < first_) continue;
    if (Call* const call = replies_[place - first_].call) call->result_.sent = false;
  }
}

}  // namespace parley::redis
