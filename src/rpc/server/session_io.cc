// A session's reading, writing and waiting.
#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>

#include "rpc/server/session.h"

namespace parley::rpc {
namespace {

using boost::system::error_code;

/// How long a client may take to read an answer and close, after which the connection is closed whatever is unread.
constexpr std::chrono::milliseconds kLinger{2000};
/// For the first message of a connection that was accepted just before a drain.
constexpr std::chrono::milliseconds kDrainGrace{500};
/// For a moment at which a multiplexed client can be told to leave. What was in flight has mostly been answered by
/// then.
constexpr std::chrono::milliseconds kTell{3000};
/// For a multiplexed client to leave, once it has been told.
constexpr std::chrono::milliseconds kLeave{1000};
/// Unwritten bytes past which a connection is not read.
constexpr std::size_t kMaxUnwritten = std::size_t{1} << 20;

}  // namespace

void Session::drain() {
  leave_by_ = worker_.loop().now() + (multiplexed_ ? kTell : kDrainGrace);
  if (in_flight_ == 0) warn();
  if (!reading_) return;
  if (may_leave()) return channel_.interrupt();
  arm_reading();
}

void Session::warn() {
  if (!multiplexed_ || cut_ || std::exchange(warned_, true)) return;
  leave_by_ = worker_.loop().now() + kLeave;
  const std::size_t before = out_.size();
  append_ready_to_reset(out_);
  unwritten_ += out_.size() - before;
  start_flush();
}

void Session::cut() {
  cut_ = true;
  channel_.close();
}

bool Session::crowded() const noexcept {
  if (cut_) return false;  // what is unwritten stays so
  return in_flight_ >= worker_.state().options.max_in_flight || unwritten_ > kMaxUnwritten;
}

void Session::make_room() {
  if (waiting_ && !crowded() && std::exchange(waiting_, false)) room_.wake();
}

bool Session::may_leave() const noexcept {
  const bool draining = worker_.state().draining.load(std::memory_order_relaxed);
  return draining && spoken_ && !multiplexed_ && in_flight_ == 0 && input_.empty();
}

Deadline Session::read_deadline() const {
  const RpcOptions& options = worker_.state().options;
  if (greeting_) return std::min(message_began_ + options.message_timeout, leave_by_);
  if (!input_.empty()) return message_began_ + options.message_timeout;
  if (leave_by_ != kNoDeadline) return leave_by_;
  return in_flight_ > 0 ? kNoDeadline : worker_.loop().now() + options.idle_timeout;
}

void Session::arm_reading() {
  read_expired_ = false;
  worker_.loop().deadlines().arm(read_expiry_, read_deadline());
}

Async<bool> Session::greet() {
  error_code error;
  message_began_ = worker_.loop().now();
  greeting_ = true;
  for (channel_.handshake(error); net::would_block(error) && !read_expired_; channel_.handshake(error)) {
    arm_reading();
    reading_ = true;
    co_await channel_.handshake_goes_on();
    reading_ = false;
  }
  greeting_ = false;
  peer_gone_ = static_cast<bool>(error);
  if (error && error != boost::asio::error::eof && !cut_) {
    worker_.metrics().handshake_failures.add();
    const std::string why = read_expired_ ? "it took too long" : channel_.tls_problem(error);
    (void)give_up("the TLS handshake failed: " + why);
  }
  co_return !error;
}

Async<Session::Step> Session::receive() {
  error_code error;
  const bool last_look = may_leave();
  if (!last_look) {
    arm_reading();
    reading_ = true;
    co_await channel_.readable();
    reading_ = false;
  }
  if (cut_) co_return Step::kEnd;
  // Where bytes keep coming, the time to leave passes without the reading having to wait for it.
  if (input_.empty() && leave_by_ <= worker_.loop().now()) co_return part();
  if (read_expired_) co_return input_.empty() ? Step::kEnd : give_up("a message took too long to arrive");
  const std::size_t size = channel_.read_some(worker_.scratch(), Worker::kScratch, error);
  if (net::would_block(error)) co_return last_look ? Step::kEnd : Step::kRead;
  peer_gone_ = static_cast<bool>(error);
  if (error) co_return Step::kEnd;
  co_return feed(std::string_view(worker_.scratch(), size));
}

Session::Step Session::part() {
  if (!multiplexed_ || warned_) return Step::kEnd;
  warn();
  return Step::kRead;
}

Session::Step Session::feed(std::string_view bytes) {
  read_at_ = worker_.loop().now();
  if (!input_.empty()) {
    input_.erase(0, std::exchange(input_used_, 0));  // what is left is one message's beginning
    input_ += bytes;
    return account_for_input() ? consume_input() : Step::kEnd;
  }
  message_began_ = read_at_;
  const Step step = consume(bytes);
  input_.assign(bytes);
  return account_for_input() ? step : Step::kEnd;
}

Session::Step Session::consume_input() {
  if (input_.empty()) return Step::kRead;
  std::string_view bytes = std::string_view(input_).substr(input_used_);
  const Step step = consume(bytes);
  input_used_ = input_.size() - bytes.size();
  if (!bytes.empty()) return step;
  std::string().swap(input_);
  input_used_ = 0;
  input_memory_.release();
  input_reserved_ = 0;
  return step;
}

bool Session::account_for_input() {
  if (input_.empty() || input_.capacity() <= input_reserved_) return true;
  const bool has_room = input_memory_.grow(input_.capacity() - input_reserved_);
  input_reserved_ = input_.capacity();
  if (!has_room) (void)give_up("--max-memory leaves no room for a message");
  return has_room;
}

void Session::start_flush() {
  if (!std::exchange(flushing_, true)) calls_.spawn(flush());
}

Async<> Session::flush() {
  // After what the loop has to do already, so that what that answers is written with it.
  co_await boost::asio::post(worker_.loop().executor(), kAwait);
  while (!out_.empty() && !cut_) {
    std::string bytes = std::exchange(out_, {});
    const MemoryReservation memory = std::move(out_memory_);
    const bool written = co_await write(bytes);
    unwritten_ -= bytes.size();
    if (!written) cut();
    worker_.give_back(std::move(bytes));
    make_room();
  }
  flushing_ = false;
}

Async<bool> Session::write(std::string_view bytes) {
  write_expired_ = false;
  while (!bytes.empty() && !cut_) {
    error_code error;
    const std::size_t written = channel_.write_some(bytes, {}, error);
    bytes.remove_prefix(written);
    if (!error) continue;
    if (!net::would_block(error) || write_expired_) break;
    if (!write_expiry_.armed()) {
      worker_.loop().deadlines().arm(write_expiry_, worker_.loop().now() + worker_.state().options.write_timeout);
    }
    co_await channel_.writable();
  }
  write_expiry_.disarm();
  const bool all = bytes.empty();
  co_return all;
}

Async<> Session::linger() {
  error_code error;
  if (cut_ || peer_gone_) co_return;
  read_expired_ = false;
  worker_.loop().deadlines().arm(read_expiry_, worker_.loop().now() + kLinger);
  channel_.finish_writing(error);
  while (!error && !read_expired_) {
    co_await channel_.readable();
    if (cut_) co_return;
    (void)channel_.read_some(worker_.scratch(), Worker::kScratch, error);
    if (net::would_block(error)) error = {};
  }
}

}  // namespace parley::rpc
