#include "load/connection.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

namespace parley::load {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Outcome = Exchange::Outcome;

constexpr std::size_t kReadSize = std::size_t{16} << 10;
constexpr std::size_t kLargestAnswer = std::size_t{512} << 20;  // more than a page of nothing but escapes
/// Past it, a look tells whether the server has closed the connection; else the next request would be lost on it.
constexpr std::chrono::seconds kLongIdle{5};

}  // namespace

Async<bool> Connection::open(Clock::time_point deadline) {
  deadline_ = deadline;
  expired_ = false;
  error_code error;
  co_await socket_.async_connect(server_, asio::redirect_error(kAwait, error));
  if (!error) socket_.set_option(asio::ip::tcp::no_delay(true), error);
  deadline_ = Clock::time_point::max();
  last_used_ = Clock::now();
  if (error) close();
  co_return !error;
}

Async<Exchange> Connection::exchange(std::string_view request, Clock::time_point deadline) {
  if (socket_.is_open() && closed_meanwhile()) close();
  if (!socket_.is_open() && !co_await open(deadline)) co_return fail(Outcome::kNoConnection);
  deadline_ = deadline;
  filled_ = 0;
  error_code error;
  co_await asio::async_write(socket_, asio::buffer(request), asio::redirect_error(kAwait, error));
  if (error) co_return fail(Outcome::kLost);
  Exchange exchange = co_await read_answer();
  deadline_ = Clock::time_point::max();
  last_used_ = Clock::now();
  co_return exchange;
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
  if (head->close) close();
  co_return Exchange{Outcome::kAnswered, *head, std::string_view(input_).substr(head->size, *head->content_length)};
}

Async<bool> Connection::read_more() {
  if (input_.size() - filled_ < kReadSize / 2) input_.resize(2 * input_.size() + kReadSize);
  error_code error;
  filled_ += co_await socket_.async_read_some(asio::buffer(input_.data() + filled_, input_.size() - filled_),
                                              asio::redirect_error(kAwait, error));
  co_return !error;
}

void Connection::expire(Clock::time_point now) {
  if (now < deadline_) return;
  expired_ = true;
  deadline_ = Clock::time_point::max();
  close();
}

Exchange Connection::fail(Outcome outcome) {
  close();
  deadline_ = Clock::time_point::max();
  if (expired_ && outcome == Outcome::kLost) outcome = Outcome::kTimeout;
  return Exchange{.outcome = outcome};
}

/// Whether the server has closed a connection that was idle for long.
bool Connection::closed_meanwhile() {
  if (Clock::now() - last_used_ < kLongIdle) return false;
  char byte = 0;
  return ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || (errno != EAGAIN && errno != EINTR);
}

void Connection::close() {
  error_code ignored;
  socket_.close(ignored);
}

}  // namespace parley::load
