#include "http/server/session.h"

#include <algorithm>
#include <exception>
#include <utility>

#include <boost/beast/core/string.hpp>
#include <fmt/format.h>

#include "base/log.h"
#include "base/trace_context.h"
#include "http/server/server_metrics.h"
#include "http/wire/problem.h"

namespace parley::http {
namespace {

using boost::beast::iequals;

}  // namespace

Session::Session(Worker& worker, net::Socket socket, const net::TlsContext* tls, bool refused)
    : worker_(worker),
      channel_(worker.loop().channels(), socket.release(), tls),
      deadline_([this] { on_expiry(); }),
      parser_({worker.state().options.max_header, worker.state().options.max_body}),
      reservation_(worker.state().budget),
      unsent_memory_(worker.state().budget),
      refused_(refused) {
  worker_.metrics().connections.add(1);
  (refused_ ? worker_.state().refusals : worker_.state().connections).fetch_add(1, std::memory_order_relaxed);
}

Session::~Session() {
  if (gathered_) worker_.outbox().flush();
  worker_.forget(*this);
  worker_.metrics().connections.add(-1);
  (refused_ ? worker_.state().refusals : worker_.state().connections).fetch_sub(1, std::memory_order_relaxed);
}

Async<> Session::run(std::unique_ptr<Session> session) {
  try {
    if (session->channel_.secure()) {
      const bool greeted = co_await session->greet();
      if (!greeted) co_return;
    }
    if (session->refused_) {
      co_await session->refuse({ErrorCode::kOverloaded, "there are too many connections"});
    } else {
      co_await session->serve();
    }
  } catch (const std::exception& bug) {
    // Such as no memory: this connection ends, the others need not.
    log_error("a connection failed", {{"what", bug.what()}});
  }
}

Async<> Session::refuse(Error error) {
  failed_ = true;
  identify();
  Response response = error_response(error, worker_.state().options.errors, request_id_);
  prepare(response, false, worker_.state().router.size(), worker_.loop().now());
  (void)co_await write_answer(std::move(response), false);
}

Async<> Session::serve() {
  const ServerState& state = worker_.state();
  for (;;) {
    arm(time_to_read());
    Result<Input> input = feed_leftover();
    while (input == Input::kPartial) {
      if (!unsent_.empty()) {  // before waiting, since it may be of a flush that found nobody waiting
        const bool all = co_await write_unsent();
        if (!all) co_return;
        arm(time_to_read());
      }
      co_await channel_.readable();
      input = read();
    }
    if (input == Input::kOver) break;
    const Deadline began = worker_.loop().now();
    const std::size_t route = input ? state.router.find(parser_.head().target.path) : state.router.size();
    std::optional<Response> response = begin_answer(input, route);
    if (!response) {
      const Request request = request_until(began + state.options.request_timeout);
      try {
        response = co_await state.router[route].handler(request);
      } catch (...) {
        response = answer_bug(std::current_exception());
      }
    }
    const bool keep = keeps_open();
    prepare(*response, keep, route, began);
    if (!gather(*response, keep)) {
      const bool goes_on = co_await write_answer(*std::move(response), keep);
      if (!goes_on) co_return;
    }
    end_request();
  }
  if (gathered_) worker_.outbox().flush();
  (void)co_await write_unsent();  // to one who has asked all that he wants to
}

std::optional<Response> Session::begin_answer(const Result<Input>& input, std::size_t route) {
  failed_ = !input;
  identify();
  phase_ = Phase::kHandling;
  if (failed_) return error_response(input.error(), worker_.state().options.errors, request_id_);
  return answer_here(route);
}

void Session::end_request() {
  parser_.next();
  reservation_.release();
  reserved_ = 0;
  phase_ = Phase::kIdle;
}

void Session::identify() {
  request_id_ = {};
  traceparent_ = {};
  origin_ = {};
  int traces = 0;
  if (head_is_known()) {
    for (const Header& header : parser_.head().headers) {
      if (header.name.size() == 6 && iequals(header.name, "Origin")) origin_ = header.value;
      if (header.name.size() == 12 && iequals(header.name, "X-Request-Id") && is_usable_request_id(header.value)) {
        request_id_ = header.value;
      }
      if (header.name.size() == 11 && iequals(header.name, "traceparent")) {
        // Of two, neither is to be believed.
        traceparent_ = ++traces == 1 && is_traceparent(header.value) ? header.value : std::string_view();
      }
    }
  }
  if (request_id_.empty()) request_id_ = worker_.request_ids().next(made_id_);
}

std::optional<Response> Session::answer_here(std::size_t route) const {
  const ServerState& state = worker_.state();
  const RequestHead& head = parser_.head();
  if (const auto checked = state.guard.check(head.headers, head.host, head.target.path); !checked) {
    return error_response(checked.error(), state.options.errors, request_id_);
  }
  const bool known = route < state.router.size();
  if (head.method == "OPTIONS" && (known || head.target.path == "*")) return answer_options(route);
  if (!known) return answer_unknown_path();
  if (state.router.takes(route, head.method)) return std::nullopt;
  const std::string& allow = state.router.allow(route);
  Response response =
      error_response({ErrorCode::kMethodNotAllowed, "this path takes " + allow}, state.options.errors, request_id_);
  response.headers.emplace_back("Allow", allow);
  return response;
}

Response Session::answer_unknown_path() const {
  const ServerState& state = worker_.state();
  const RequestHead& head = parser_.head();
  const std::size_t meant = state.router.find_without_slash(head.target.path);
  if (meant == state.router.size()) {
    return error_response({ErrorCode::kNotFound, "there is nothing at this path"}, state.options.errors, request_id_);
  }
  if (head.method == "OPTIONS") return answer_options(meant);  // a preflight is not redirected (Fetch, 4.8)
  Response response;
  response.status = head.method == "GET" || head.method == "HEAD" ? 301 : 307;
  std::string location(state.router[meant].path);
  if (!head.target.query.empty()) location.append("?").append(head.target.query);
  response.headers.emplace_back("Location", std::move(location));
  return response;
}

Response Session::answer_options(std::size_t route) const {
  const std::string& allow = worker_.state().router.allow(route);
  if (is_preflight(parser_.head().headers)) return HostGuard::preflight(allow);
  Response response;
  response.status = 204;
  response.headers.emplace_back("Allow", allow);
  return response;
}

Request Session::request_until(Deadline deadline) const {
  const RequestHead& head = parser_.head();
  return {head.method,    head.target.path, head.target.query, head.headers,
          parser_.body(), request_id_,      deadline,          traceparent_};
}

Response Session::answer_bug(const std::exception_ptr& thrown) const {
  std::string what = "not a std::exception";
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& exception) {
    what = exception.what();
  } catch (...) {  // NOLINT(bugprone-empty-catch): told below
  }
  log_error(
      "a request failed because of a bug",
      {{"request_id", request_id_}, {"path", parser_.head().target.path}, {"what", what}, trace_field(traceparent_)});
  return error_response({ErrorCode::kInternal, "the server's log says more under this request's id"},
                        worker_.state().options.errors, request_id_);
}

void Session::prepare(const Response& response, bool keep, std::size_t route, Deadline began) {
  const ServerState& state = worker_.state();
  const std::string cors = state.guard.cors(origin_);
  const std::string_view connection = keep ? std::string_view(state.keep_alive) : "Connection: close\r\n";
  std::string& out = worker_.header();
  out.clear();
  write_header(out, response, {connection, worker_.date(), request_id_, state.guard.vary(), cors});
  observe(response.status, route, began);  // first, so that whoever has read the answer finds it counted
}

bool Session::gather(const Response& response, bool keep) {
  const std::string_view header = worker_.header();
  const std::string_view body = body_of(response);
  if (!keep || !unsent_.empty() || header.size() + body.size() > Outbox::kMaxAnswer) return false;
  gathered_ = true;
  worker_.outbox().add(*this, header, body);
  return true;
}

Async<bool> Session::write_answer(Response response, bool keep) {
  const std::string header = worker_.header();  // before others use it
  if (gathered_) worker_.outbox().flush();
  const bool before = co_await write_unsent();
  if (!before) co_return false;
  const bool all = co_await write_rest(header, body_of(response));
  if (all && !keep && may_still_send()) co_await linger();
  co_return all&& keep;
}

std::string_view Session::body_of(const Response& response) const noexcept {
  return head_is_known() && parser_.head().method == "HEAD" ? std::string_view() : response.body;
}

void Session::observe(int status, std::size_t route, Deadline began) {
  using std::chrono::duration_cast;
  using std::chrono::microseconds;
  const auto taken = duration_cast<microseconds>(worker_.loop().now() - began).count();
  worker_.metrics().observe(route, place_of(status), static_cast<std::uint64_t>(taken));
  const Router& router = worker_.state().router;
  const bool told = route < router.size() && router[route].probe;
  const bool warn = status >= 500 && !told && worker_.log_budget().may_log(worker_.loop().now());
  if (!warn && !log_enabled(LogLevel::kDebug)) return;
  const bool known = head_is_known();
  const auto log = warn ? log_warn : log_debug;
  log("request", {{"method", known ? parser_.head().method : "-"},
                  {"path", known ? parser_.head().target.path : "-"},
                  {"status", fmt::format_int(status).c_str()},
                  {"us", fmt::format_int(taken).c_str()},
                  {"request_id", request_id_},
                  trace_field(traceparent_)});
}

bool Session::head_is_known() const noexcept {
  return parser_.state() == RequestParser::State::kBody || parser_.state() == RequestParser::State::kDone;
}

bool Session::keeps_open() const noexcept {
  return !failed_ && !body_unread_ && stage() == Stage::kServing && !cut_ && parser_.head().keep_alive;
}

bool Session::may_still_send() const noexcept {
  return failed_ || body_unread_ || parser_.head().keep_alive || !leftover_.empty();
}

}  // namespace parley::http
