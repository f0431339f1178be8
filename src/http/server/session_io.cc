// A session's reading, writing and waiting.
#include <utility>

#include <boost/asio/error.hpp>

#include "base/log.h"
#include "http/server/session.h"

namespace parley::http {
namespace {

using boost::system::error_code;

/// How long a client may take to read an answer and close, after which the connection is closed whatever is unread.
constexpr std::chrono::milliseconds kLinger{2000};

}  // namespace

void Session::drain() {
  if (phase_ == Phase::kFresh) arm(kDrainGrace);
  if (phase_ == Phase::kIdle) arm_until(worker_.state().idle_end);
}

void Session::cut() {
  cut_ = true;
  channel_.close();
}

void Session::arm(std::chrono::milliseconds time) { arm_until(worker_.loop().now() + time); }

void Session::arm_until(Deadline deadline) {
  expired_ = false;
  worker_.loop().deadlines().arm(deadline_, deadline);
}

void Session::on_expiry() {
  if (phase_ == Phase::kHandling) return;  // armed for what came before; the route minds its own deadline
  expired_ = true;
  channel_.interrupt();
}

Async<bool> Session::greet() {
  arm(time_to_read());
  error_code error;
  for (channel_.handshake(error); net::would_block(error) && !expired_; channel_.handshake(error)) {
    co_await channel_.handshake_goes_on();
  }
  if (!error) co_return true;
  if (cut_ || error == boost::asio::error::eof) co_return false;  // of one that left without a word nothing is told
  on_handshake_failed(expired_ ? "it took too long" : channel_.tls_problem(error));
  if (channel_.fall_back_to_clear()) {
    co_await refuse({ErrorCode::kMalformedRequest, "the request came in the clear to an HTTPS port: write https://"});
  }
  co_return false;
}

void Session::on_handshake_failed(const std::string& why) {
  worker_.metrics().handshake_failures.add();
  if (!worker_.log_budget().may_log(worker_.loop().now())) return;
  log_warn("a TLS handshake failed", {{"why", why}, {"peer", channel_.peer()}});
}

Result<Session::Input> Session::read() {
  if (cut_) return Input::kOver;
  const bool last_look = expired_ && is_waiting();  // a request that has come by now is served
  if (expired_ && !last_look) return fail(ErrorCode::kRequestTimeout, "the request took too long to arrive");
  if (!unsent_.empty()) return last_look ? Input::kOver : Input::kPartial;
  error_code error;
  const std::size_t size = channel_.read_some(worker_.scratch(), Worker::kScratch, error);
  if (net::would_block(error)) return last_look ? Input::kOver : Input::kPartial;
  return error ? on_read_failed(error == boost::asio::error::eof) : feed_scratch(size);
}

std::chrono::milliseconds Session::time_to_read() const noexcept {
  const HttpOptions& options = worker_.state().options;
  switch (phase_) {
    case Phase::kFresh: return stage() == Stage::kEnding ? kDrainGrace : options.header_timeout;
    case Phase::kHead: return options.header_timeout;
    case Phase::kBody: return options.body_timeout;
    default: return stage() == Stage::kEnding ? kDrainGrace : options.idle_timeout;
  }
}

Result<Session::Input> Session::on_read_failed(bool end_of_stream) const {
  if (!end_of_stream || parser_.state() == RequestParser::State::kEmpty) return Input::kOver;
  return fail(ErrorCode::kMalformedRequest, "the request ends before it is whole");
}

Result<Session::Input> Session::feed_leftover() {
  if (leftover_.empty()) return Input::kPartial;
  std::string_view bytes = std::string_view(leftover_).substr(leftover_used_);
  Result<Input> ready = feed(bytes);
  leftover_used_ = leftover_.size() - bytes.size();
  if (bytes.empty()) {
    std::string().swap(leftover_);
    leftover_used_ = 0;
  }
  return ready;
}

Result<Session::Input> Session::feed_scratch(std::size_t size) {
  std::string_view bytes(worker_.scratch(), size);
  Result<Input> ready = feed(bytes);
  leftover_.assign(bytes);
  return ready;
}

/// What could not be read as a request may be a client that speaks TLS.
Result<Session::Input> Session::refuse_bytes(std::string_view bytes, Error error) {
  constexpr char kHandshake = 0x16;  // the first byte of TLS (RFC 8446, 5.1)
  if (!is_waiting() || bytes.front() != kHandshake) return std::unexpected(std::move(error));
  if (worker_.log_budget().may_log(worker_.loop().now())) {
    log_warn("a client speaks TLS to a listener in the clear", {{"peer", channel_.peer()}});
  }
  return fail(ErrorCode::kMalformedRequest, "the request came in TLS to a port in the clear: write http://");
}

Result<Session::Input> Session::feed(std::string_view& bytes) {
  using State = RequestParser::State;
  while (!bytes.empty() && parser_.state() != State::kDone && !body_unread_) {
    const State before = parser_.state();
    const auto used = parser_.feed(bytes);
    if (!used) return refuse_bytes(bytes, used.error());
    bytes.remove_prefix(*used);
    if (before != State::kBody && parser_.state() != State::kBody) continue;
    auto checked = before == State::kBody ? account_for_body() : on_body_begins(bytes.empty());
    if (!checked) return std::unexpected(std::move(checked).error());
  }
  if (parser_.state() == State::kDone || body_unread_) return Input::kWhole;
  if (parser_.state() == State::kBody && phase_ != Phase::kBody) {
    phase_ = Phase::kBody;
    arm(time_to_read());
  } else if (parser_.state() == State::kHead && is_waiting()) {
    phase_ = Phase::kHead;
    arm(time_to_read());
  }
  return Input::kPartial;
}

Result<void> Session::on_body_begins(bool nothing_read) {
  const ServerState& state = worker_.state();
  const RequestHead& head = parser_.head();
  const bool asks_first = head.expects_continue && head.http_1_1 && nothing_read;
  if (asks_first) {
    identify();
    const std::size_t route = state.router.find(head.target.path);
    if (answer_here(route)) {
      body_unread_ = true;  // it would be read for nothing
      return {};
    }
  }
  if (head.content_length) {
    if (!reservation_.grow(static_cast<std::size_t>(*head.content_length))) {
      return fail(ErrorCode::kOverloaded, "there is no room for the body");
    }
    parser_.reserve_body();
  }
  if (asks_first) {
    // A fresh or idle connection's buffer is empty, so this fits; where it does not, the client sends its body anyway.
    if (gathered_) worker_.outbox().flush();
    if (!unsent_.empty()) return {};
    std::string_view line = "HTTP/1.1 100 Continue\r\n\r\n";
    std::string_view nothing;
    if (write_now(line, nothing) == Written::kSome) unsent_.assign(line);
  }
  return {};
}

Result<void> Session::account_for_body() {
  if (!parser_.head().chunked || parser_.body_capacity() <= reserved_) return {};
  if (!reservation_.grow(parser_.body_capacity() - reserved_)) {
    return fail(ErrorCode::kOverloaded, "there is no room for the body");
  }
  reserved_ = parser_.body_capacity();
  return {};
}

Session::Written Session::write_now(std::string_view& header, std::string_view& body) {
  while (!header.empty() || !body.empty()) {
    error_code error;
    const std::size_t written = channel_.write_some(header, body, error);
    if (net::would_block(error)) return Written::kSome;
    if (error) return Written::kFailed;
    const std::size_t of_header = std::min(written, header.size());
    header.remove_prefix(of_header);
    body.remove_prefix(written - of_header);
  }
  return Written::kAll;
}

void Session::write_gathered(std::string_view answers) {
  gathered_ = false;
  std::string_view nothing;
  // Behind what is left of answers that another session's came between, these wait.
  if (unsent_.empty() && write_now(answers, nothing) != Written::kSome) return;  // serve() meets what has failed
  if (!unsent_memory_.grow(answers.size())) return cut();
  unsent_ += answers;
  channel_.interrupt();  // wakes serve()
}

Async<bool> Session::write_unsent() {
  const Phase phase = phase_;
  const std::string unsent = std::exchange(unsent_, {});
  const bool all = co_await write_rest(unsent, {});
  unsent_memory_.release();
  phase_ = phase;
  co_return all;
}

Async<bool> Session::write_rest(std::string_view header, std::string_view body) {
  for (bool waits = false;; waits = true) {
    const Written written = write_now(header, body);
    if (written != Written::kSome) co_return written == Written::kAll;
    if (!waits) {
      phase_ = Phase::kWriting;
      arm(worker_.state().options.write_timeout);
    }
    co_await channel_.writable();
    if (cut_ || expired_) co_return false;
  }
}

Async<> Session::linger() {
  phase_ = Phase::kLingering;
  arm(kLinger);
  error_code error;
  channel_.finish_writing(error);
  while (!error && !expired_) {
    co_await channel_.readable();
    if (expired_) co_return;
    (void)channel_.read_some(worker_.scratch(), Worker::kScratch, error);
    if (net::would_block(error)) error = {};
  }
}

}  // namespace parley::http
