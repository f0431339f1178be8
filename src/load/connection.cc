#include "load/connection.h"

#include <boost/system/error_code.hpp>

namespace parley::load {
namespace {

using boost::system::error_code;
using Outcome = Exchange::Outcome;

constexpr std::size_t kReadSize = std::size_t{16} << 10;
constexpr std::size_t kLargestAnswer = std::size_t{512} << 20;  // more than a page of nothing but escapes
/// Past it, a look tells whether the server has closed the connection; else the next request would be lost on it.
constexpr std::chrono::seconds kLongIdle{5};

}  // namespace

Async<bool> Connection::open(Clock::time_point deadline) {
  expired_ = false;
  const auto time = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
  auto connected = co_await connector_.connect(server_, tls_, time);
  last_used_ = Clock::now();
  if (connected) {
    channel_ = *std::move(connected);
  } else {
    why_ = connected.error().detail;
  }
  co_return channel_ != nullptr;
}

Async<Exchange> Connection::exchange(std::string_view request, Clock::time_point deadline) {
  if (channel_ && closed_meanwhile()) channel_.reset();
  if (!channel_ && !co_await open(deadline)) co_return fail(Outcome::kNoConnection);
  deadline_ = deadline;
  filled_ = 0;
  if (!co_await write(request)) co_return fail(Outcome::kLost);
  Exchange exchange = co_await read_answer();
  deadline_ = Clock::time_point::max();
  last_used_ = Clock::now();
  co_return exchange;
}

Async<bool> Connection::write(std::string_view request) {
  error_code error;
  while (!request.empty() && !expired_) {
    request.remove_prefix(channel_->write_some(request, {}, error));
    if (error && !net::would_block(error)) co_return false;
    if (error) co_await channel_->writable();
  }
  co_return !expired_;
}

Async<Exchange> Connection::read_answer() {
  std::optional<AnswerHead> head;
  while (!head) {
    if (!co_await read_more()) co_return fail(Outcome::kLost);
    head = read_head(std::string_view(input_).substr(0, filled_));
  }
  if (head->status == 0 || !head->content_length || *head->content_length > kLargestAnswer) {
    co_return fail(Outcome::kLost);
  }
  const std::size_t whole = head->size + *head->content_length;
  if (filled_ < whole) {
    while (filled_ < whole) {
      if (!co_await read_more()) co_return fail(Outcome::kLost);
    }
    head = read_head(std::string_view(input_).substr(0, filled_));  // what was read has moved
  }
  if (head->close) channel_.reset();
  co_return Exchange{Outcome::kAnswered, *head, std::string_view(input_).substr(head->size, *head->content_length)};
}

Async<bool> Connection::read_more() {
  if (input_.size() - filled_ < kReadSize / 2) input_.resize(2 * input_.size() + kReadSize);
  error_code error;
  do {
    co_await channel_->readable();
    if (expired_) co_return false;
    filled_ += channel_->read_some(input_.data() + filled_, input_.size() - filled_, error);
  } while (net::would_block(error));
  co_return !error;
}

void Connection::expire(Clock::time_point now) {
  if (now < deadline_) return;
  expired_ = true;
  deadline_ = Clock::time_point::max();
  if (channel_) channel_->interrupt();
}

Exchange Connection::fail(Outcome outcome) {
  channel_.reset();
  deadline_ = Clock::time_point::max();
  if (expired_ && outcome == Outcome::kLost) outcome = Outcome::kTimeout;
  return Exchange{.outcome = outcome};
}

/// Whether the server has closed a connection that was idle for long. Nothing else can come in between, but for new
/// tickets of TLS.
bool Connection::closed_meanwhile() {
  if (Clock::now() - last_used_ < kLongIdle) return false;
  char byte = 0;
  error_code error;
  (void)channel_->read_some(&byte, 1, error);
  return !net::would_block(error);
}

}  // namespace parley::load
