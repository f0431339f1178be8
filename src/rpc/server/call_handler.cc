#include "rpc/server/call_handler.h"

#include <exception>
#include <utility>

#include <google/protobuf/message.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/trace_context.h"
#include "rpc/wire/ttheader.h"
#include "service/protobuf.h"

namespace parley::rpc {
namespace {

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
template <>
struct ResponseTo<CallRequest> {
  using Type = CallResponse;
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

}  // namespace

CallHandler::CallHandler(service::MessageService& service, const service::CallTable& calls,
                         std::function<std::string()> store_id, std::function<std::string()> durability,
                         const std::atomic<bool>& draining)
    : service_(service),
      calls_(calls),
      send_(calls.find("Send")),
      pull_(calls.find("Pull")),
      store_id_(std::move(store_id)),
      durability_(std::move(durability)),
      draining_(draining) {
  for (const service::CallRow& row : calls.rows()) methods_.emplace_back(row.name);
  methods_.emplace_back("Ready");
  methods_.emplace_back("other");
}

Answer CallHandler::answer_to(const service::CallRow* row) const {
  if (row == nullptr) return {.message = {}, .method = calls_.rows().size() + 1};
  return {.message = {}, .method = calls_.index_of(*row), .reads = row->effect == service::Effect::kReads};
}

Answer CallHandler::answer_to(const Request& request) const {
  if (std::holds_alternative<service::SendRequest>(request)) return answer_to(send_);
  if (std::holds_alternative<service::PullRequest>(request)) return answer_to(pull_);
  if (const auto* const call = std::get_if<CallRequest>(&request)) return answer_to(calls_.find(call->name));
  static_assert(std::variant_size_v<Request> == 4, "a further kind of request needs its number here");
  return {.message = {}, .method = calls_.rows().size(), .probe = true};
}

template <class Response>
Answer CallHandler::finish(const MessageHead& head, const Request& request, Result<Response> response) const {
  Answer answer = answer_to(request);
  answer.outcome = response ? outcome_of(*response) : static_cast<Outcome>(response.error().code);
  answer.message = encode_reply(head, std::move(response));
  if (answer.message.size() > kMaxMessage) {  // stored where --max-text was larger, without --rpc
    return finish<Response>(head, request,
                            fail(ErrorCode::kInternal, "the answer does not fit a Thrift frame of 16 MiB"));
  }
  return answer;
}

Async<Answer> CallHandler::answer(Call& call, const service::CallContext& context) const {
  if (!call.request) co_return exception(call.head, call.request.error());
  std::string what = "not a std::exception";
  try {
    if (auto* const request = std::get_if<service::SendRequest>(&*call.request)) {
      auto sent = co_await send(*request, context);
      co_return finish(call.head, *call.request, std::move(sent));
    }
    if (auto* const request = std::get_if<service::PullRequest>(&*call.request)) {
      auto pulled = co_await pull(*request, context);
      co_return finish(call.head, *call.request, std::move(pulled));
    }
    if (auto* const request = std::get_if<CallRequest>(&*call.request)) {
      auto called = co_await this->call(*request, context);
      co_return finish(call.head, *call.request, std::move(called));
    }
    static_assert(std::variant_size_v<Request> == 4, "a further kind of request needs its answer here");
    auto is_ready = ready();
    tell(is_ready);
    co_return finish(call.head, *call.request, std::move(is_ready));
  } catch (const std::exception& bug) {
    what = bug.what();
  } catch (...) {  // NOLINT(bugprone-empty-catch): told below
  }
  log_error("a call failed because of a bug", {{"request_id", context.request_id},
                                               {"method", methods_[answer_to(*call.request).method]},
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

Task<CallResponse> CallHandler::call(CallRequest& request, const service::CallContext& context) const {
  const service::CallRow* const row = calls_.find(request.name);
  if (row == nullptr) co_return fail(ErrorCode::kNotSupported, "this server has no such call");
  service::ProtobufPtr message(row->request->New());
  const auto read = service::read_protobuf_request(std::exchange(request.message, {}), *message);
  if (!read) co_return std::unexpected(read.error());
  auto answer = co_await service_.call(*row, std::move(message), context);
  if (!answer) co_return std::unexpected(std::move(answer).error());
  co_return CallResponse{(*answer)->SerializeAsString()};
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

Answer CallHandler::failure(const MessageHead& head, const Request& request, Error error) const {
  return std::visit(
      [&](const auto& kind) {
        using Response = ResponseTo<std::remove_cvref_t<decltype(kind)>>::Type;
        return finish<Response>(head, request, std::unexpected(std::move(error)));
      },
      request);
}

Answer CallHandler::exception(const MessageHead& head, const ApplicationException& exception) const {
  Answer answer = answer_to(static_cast<const service::CallRow*>(nullptr));
  answer.message = encode_reply(head, exception);
  answer.outcome = kException;
  return answer;
}

}  // namespace parley::rpc
