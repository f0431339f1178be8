// A session's messages and calls; session_io.cc has the bytes.
#include "rpc/server/session.h"

#include <algorithm>
#include <exception>
#include <utility>

#include <fmt/format.h>

#include "base/log.h"
#include "base/parse_number.h"
#include "base/trace_context.h"
#include "rpc/wire/ttheader.h"

namespace parley::rpc {
namespace {

using std::chrono::milliseconds;

/// The milliseconds that a header states; nothing where it states none that mean anything.
std::optional<milliseconds> parse_timeout(std::string_view text) {
  constexpr std::int64_t kMost = 24LL * 60 * 60 * 1000;
  const auto value = parse_number<std::int64_t>(text);
  if (!value || *value <= 0) return std::nullopt;
  return milliseconds(std::min(*value, kMost));
}

int status_of(Outcome outcome) {
  if (outcome == kSuccess) return 200;
  if (outcome == kException) return 400;
  return error_info(static_cast<ErrorCode>(outcome)).http_status;
}

}  // namespace

Session::Session(Worker& worker, net::Socket socket, const net::TlsContext* tls)
    : worker_(worker),
      channel_(worker.loop().channels(), socket.release(), tls),
      calls_(worker.loop().executor()),
      read_expiry_([this] {
        read_expired_ = true;
        channel_.interrupt();
      }),
      write_expiry_([this] {
        write_expired_ = true;
        channel_.interrupt();
      }),
      finder_(worker.state().options.max_request),
      input_memory_(worker.state().budget),
      out_memory_(worker.state().budget) {
  worker_.metrics().connections.add(1);
  worker_.state().connections.fetch_add(1, std::memory_order_relaxed);
}

Session::~Session() {
  worker_.forget(*this);
  worker_.metrics().connections.add(-1);
  worker_.state().connections.fetch_sub(1, std::memory_order_relaxed);
}

Async<> Session::run(std::unique_ptr<Session> session) {
  try {
    const bool greeted = co_await session->greet();
    if (greeted) co_await session->serve();
  } catch (const std::exception& bug) {
    // Such as no memory: this connection ends, the others need not.
    log_error("an RPC connection failed", {{"what", bug.what()}});
    session->cut();
  }
  session->read_expiry_.disarm();
  co_await session->calls_.wait();
  co_await session->linger();
}

Async<> Session::serve() {
  for (;;) {
    Step step = consume_input();
    if (step == Step::kRead) step = co_await receive();
    switch (step) {
      case Step::kRead: break;
      case Step::kAnswer: {
        Pending pending = *std::exchange(in_order_, std::nullopt);
        co_await handle(std::move(pending));
        break;
      }
      case Step::kWait:
        waiting_ = true;
        co_await room_.wait();
        if (cut_) co_return;
        break;
      case Step::kEnd: co_return;
    }
  }
}

Session::Step Session::consume(std::string_view& bytes) {
  for (;;) {
    switch (finder_.find(bytes)) {
      case MessageFinder::State::kMore: return Step::kRead;
      case MessageFinder::State::kFound: break;
      case MessageFinder::State::kTooLarge: return give_up("a message is larger than --rpc-max-request");
      case MessageFinder::State::kUnknown: return give_up("the client speaks none of this port's protocols");
      case MessageFinder::State::kUnreadable:
        answer_unreadable(bytes);
        return give_up("an unframed message cannot be read, so the server cannot find its end");
    }
    if (crowded()) return Step::kWait;
    const std::string_view message = bytes.substr(0, finder_.size());
    bytes.remove_prefix(finder_.size());
    finder_.next();
    message_began_ = read_at_;
    if (const Step step = take(message); step != Step::kRead) return step;
  }
}

Session::Step Session::take(std::string_view message) {
  const auto incoming = open_message(message, finder_.kind());
  if (!incoming) return give_up(incoming.error().detail);
  auto call = decode_call(incoming->payload.message, incoming->payload.protocol);
  if (!call) return give_up("a frame holds no readable Thrift message");
  const bool concurrent = incoming->form.kind == WireForm::Kind::kTTHeader;
  spoken_ = true;
  multiplexed_ = concurrent && (incoming->header.flags & kOutOfOrderFlag) != 0;

  MemoryReservation memory(worker_.state().budget);
  service::CallContext context{deadline_of(*incoming), request_id_of(incoming->header),
                               traceparent_of(incoming->header)};
  if (!memory.grow(message.size()) && call->request) {
    const Error error{ErrorCode::kOverloaded, "there is no room for the request"};
    respond(worker_.state().handler.failure(call->head, *call->request, error), incoming->form, read_at_, context);
    return Step::kRead;
  }
  ++in_flight_;
  worker_.metrics().in_flight.add(1);
  Pending pending{*std::move(call), incoming->form, std::move(context), read_at_, std::move(memory)};
  if (!concurrent) {
    in_order_ = std::move(pending);
    return Step::kAnswer;
  }
  calls_.spawn(handle(std::move(pending)));
  return Step::kRead;
}

Session::Step Session::give_up(std::string_view why) {
  if (worker_.log_budget().may_log(worker_.loop().now())) {
    log_warn("the server closes an RPC connection", {{"why", why}, {"peer", channel_.peer()}});
  }
  return Step::kEnd;
}

void Session::answer_unreadable(std::string_view bytes) {
  const auto call = decode_call(bytes, Protocol::kBinary);
  if (!call || call->request) return;
  respond(worker_.state().handler.exception(call->head, call->request.error()), {}, read_at_, {});
}

Deadline Session::deadline_of(const Incoming& incoming) const {
  milliseconds timeout = worker_.state().options.request_timeout;
  const auto stated = incoming.header.find(kRpcTimeoutKey);
  const auto asked = stated ? parse_timeout(*stated) : std::nullopt;
  if (asked) timeout = std::min(timeout, *asked);
  return read_at_ + timeout;
}

std::string Session::request_id_of(const TTHeader& header) {
  if (const auto id = header.find(kLogIdKey); id && is_usable_request_id(*id)) return std::string(*id);
  RequestIds::Place place;
  return std::string(worker_.request_ids().next(place));
}

std::string Session::traceparent_of(const TTHeader& header) {
  const auto trace = header.find(kTraceparentKey);
  return trace && is_traceparent(*trace) ? std::string(*trace) : std::string();
}

Async<> Session::handle(Pending pending) {
  const service::CallContext& context = pending.context;
  try {
    Answer answer = co_await worker_.state().handler.answer(pending.call, context);
    // What a change answered is never turned into anything else.
    if (answer.reads && !out_memory_.grow(answer.message.size())) {
      const Error error{ErrorCode::kOverloaded, "there is no room for the page"};
      answer = worker_.state().handler.failure(pending.call.head, *pending.call.request, error);
    }
    respond(answer, pending.form, pending.began, context);
  } catch (const std::exception& bug) {
    log_error("a call could not be answered",
              {{"what", bug.what()}, {"request_id", context.request_id}, trace_field(context.traceparent)});
    cut();
  }
  on_call_done();
}

void Session::respond(const Answer& answer, const WireForm& form, Deadline began, const service::CallContext& context) {
  observe(answer, began, context);  // first, so that whoever has read the answer finds it counted
  if (cut_) return;
  if (out_.empty()) out_ = worker_.take_buffer();
  const std::size_t before = out_.size();
  append_answer(out_, form, answer.message, worker_.state().ready_to_reset.load(std::memory_order_relaxed));
  unwritten_ += out_.size() - before;
  start_flush();
}

void Session::observe(const Answer& answer, Deadline began, const service::CallContext& context) {
  const auto taken = std::chrono::duration_cast<std::chrono::microseconds>(worker_.loop().now() - began).count();
  worker_.metrics().observe(answer.method, answer.outcome, static_cast<std::uint64_t>(taken));
  // Why a node is not ready is told by CallHandler, and not for each probe.
  const bool failed = status_of(answer.outcome) >= 500 && !answer.probe;
  const bool warn = failed && worker_.log_budget().may_log(worker_.loop().now());
  if (!warn && !log_enabled(LogLevel::kDebug)) return;
  const auto log = warn ? log_warn : log_debug;
  log("call", {{"method", worker_.state().handler.methods()[answer.method]},
               {"code", fmt::format_int(answer.outcome).c_str()},
               {"us", fmt::format_int(taken).c_str()},
               {"request_id", context.request_id},
               trace_field(context.traceparent)});
}

void Session::on_call_done() {
  --in_flight_;
  worker_.metrics().in_flight.add(-1);
  make_room();
  if (in_flight_ > 0) return;
  if (leave_by_ != kNoDeadline) warn();
  if (!reading_) return;
  if (may_leave()) return channel_.interrupt();  // receive() then looks once more, and ends
  arm_reading();
}

}  // namespace parley::rpc
