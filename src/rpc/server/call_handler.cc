#include "rpc/server/call_handler.h"

#include <exception>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "base/trace_context.h"
#include "rpc/wire/ttheader.h"

namespace parley::rpc {
namespace {

/// The method of a request is its place in the variant, and kOther is what is behind.
static_assert(std::variant_size_v<Request> == static_cast<std::size_t>(Method::kOther));
static_assert(
    std::is_same_v<std::variant_alternative_t<static_cast<std::size_t>(Method::kSend), Request>, service::SendRequest>);
static_assert(
    std::is_same_v<std::variant_alternative_t<static_cast<std::size_t>(Method::kPull), Request>, service::PullRequest>);
static_assert(
    std::is_same_v<std::variant_alternative_t<static_cast<std::size_t>(Method::kReady), Request>, ReadyRequest>);

template <class Request>
struct ResponseTo;
template <>
struct ResponseTo<service::SendRequest> {
  using Type = service::SendResponse;
};
template <>
struct ResponseTo<service::PullRequest> {
  using Type = service::PullResponse;
};
template <>
struct ResponseTo<ReadyRequest> {
  using Type = ReadyResponse;
};

template <class Response>
Outcome outcome_of(const Response& /*response*/) {
  return kSuccess;
}

Outcome outcome_of(const ReadyResponse& response) {
  return response.refuses_sends.empty() ? kSuccess : static_cast<Outcome>(ErrorCode::kUnavailable);
}

/// What fits a frame together with what it puts around a message.
constexpr std::size_t kMaxMessage = kMaxFrame - 1024;

template <class Response>
Answer finish(const MessageHead& head, Method method, Result<Response> response) {
  const Outcome outcome = response ? outcome_of(*response) : static_cast<Outcome>(response.error().code);
  std::string message = encode_reply(head, std::move(response));
  if (message.size() > kMaxMessage) {  // stored where --max-text was larger, without --rpc
    return finish<Response>(head, method,
                            fail(ErrorCode::kInternal, "the answer does not fit a Thrift frame of 16 MiB"));
  }
  return {std::move(message), method, outcome};
}

}  // namespace

Async<Answer> CallHandler::answer(Call& call, const service::CallContext& context) const {
  if (!call.request) co_return exception(call.head, call.request.error());
  std::string what = "not a std::exception";
  try {
    if (auto* const request = std::get_if<service::SendRequest>(&*call.request)) {
      auto sent = co_await send(*request, context);
      co_return finish(call.head, Method::kSend, std::move(sent));
    }
    if (auto* const request = std::get_if<service::PullRequest>(&*call.request)) {
      auto pulled = co_await pull(*request, context);
      co_return finish(call.head, Method::kPull, std::move(pulled));
    }
    static_assert(std::variant_size_v<Request> == 3, "a further kind of request needs its answer here");
    auto is_ready = ready();
    tell(is_ready);
    co_return finish(call.head, Method::kReady, std::move(is_ready));
  } catch (const std::exception& bug) {
    what = bug.what();
  } catch (...) {  // NOLINT(bugprone-empty-catch): told below
  }
  log_error("a call failed because of a bug", {{"request_id", context.request_id},
                                               {"method", call.head.method},
                                               {"what", what},
                                               trace_field(context.traceparent)});
  co_return failure(call.head, *call.request,
                    {ErrorCode::kInternal, "the server's log says more under the request id " + context.request_id});
}

// Functions of their own, so that what they pass on is not kept in the frame of who waits.

Task<service::SendResponse> CallHandler::send(service::SendRequest& request,
                                              const service::CallContext& context) const {
  return service_.send(std::move(request), context);
}

Task<service::PullResponse> CallHandler::pull(service::PullRequest& request,
                                              const service::CallContext& context) const {
  return service_.pull(std::move(request), context);
}

Result<ReadyResponse> CallHandler::ready() const {
  if (draining_.load(std::memory_order_relaxed)) return fail(ErrorCode::kUnavailable, "the node is draining");
  Health health = service_.health();
  if (!health.reads) return fail(ErrorCode::kUnavailable, std::move(health.why_not));
  return ReadyResponse{store_id_(), durability_(), wall_clock_us(), std::move(health.why_not)};
}

void CallHandler::tell(const Result<ReadyResponse>& ready) const {
  const std::string& why = ready ? ready->refuses_sends : ready.error().detail;
  if (why.empty()) {
    if (readiness_->may_log_change("ready")) log_info("gateways hear that this node is ready again");
    return;
  }
  // Not the reason decides, which may be another one on each loop.
  const std::string_view state =
      ready ? "gateways hear that this node takes no sends" : "gateways hear that this node is not ready";
  if (readiness_->may_log(state)) log_warn(state, {{"why", why}});
}

Answer CallHandler::failure(const MessageHead& head, const Request& request, Error error) {
  return std::visit(
      [&](const auto& kind) {
        using Response = ResponseTo<std::remove_cvref_t<decltype(kind)>>::Type;
        return finish<Response>(head, static_cast<Method>(request.index()), std::unexpected(std::move(error)));
      },
      request);
}

Answer CallHandler::exception(const MessageHead& head, const ApplicationException& exception) {
  return {encode_reply(head, exception), Method::kOther, kException};
}

}  // namespace parley::rpc
