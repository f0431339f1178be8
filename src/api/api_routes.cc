#include "api/api_routes.h"

#include <string>
#include <utility>
#include <vector>

#include <google/protobuf/message.h>

#include "api/answer.h"
#include "api/binding.h"
#include "api/media_type.h"
#include "http/wire/problem.h"

namespace parley::api {
namespace {

/// What the handlers share; a coroutine keeps its own copy.
struct Api {
  service::MessageService* service;
  MemoryBudget* memory;
  http::ErrorFormat errors;
};

Async<http::Response> ping(std::string durability) {
  http::Response response;
  response.content_type = kJsonType;
  response.body = R"({"message":"pong"})";
  if (!durability.empty()) response.headers.emplace_back("Parley-Durability", std::move(durability));
  co_return response;
}

service::CallContext context_of(const http::Request& request) {
  return {.deadline = request.deadline,
          .request_id = std::string(request.request_id),
          .traceparent = std::string(request.traceparent)};
}

// What a call is made with goes to the service before these are awaited, so that it takes no room while they wait.

Async<http::Response> answer_error(Api api, const http::Request& request, Error error) {
  http::Response response = http::error_response(error, api.errors, request.request_id);
  // RFC 9110, 12.5.3: so a client can tell the body's encoding from its type.
  if (error.code == ErrorCode::kUnsupportedMediaType && is_encoded(request)) {
    response.headers.emplace_back("Accept-Encoding", "identity");
  }
  co_return response;
}

Async<http::Response> answer_sent(Api api, const http::Request& request, Task<service::SendResponse> call) {
  const auto sent = co_await std::move(call);
  if (!sent) co_return http::error_response(sent.error(), api.errors, request.request_id);
  co_return answer_send(*sent, preferred_type(request.headers));
}

Async<http::Response> send(Api api, const http::Request& request) {
  auto call = bind_send(request);
  if (!call) return answer_error(api, request, std::move(call).error());
  return answer_sent(api, request, api.service->send(*std::move(call), context_of(request)));
}

/// `make` turns what the call answered into a response, of this type.
template <class Answer, class Make>
Async<http::Response> answer_with(Api api, const http::Request& request, Task<Answer> call, Make make) {
  const auto called = co_await std::move(call);
  if (!called) co_return http::error_response(called.error(), api.errors, request.request_id);
  auto answer = make(*called, preferred_type(request.headers));
  if (!answer) co_return http::error_response(answer.error(), api.errors, request.request_id);
  co_return *std::move(answer);
}

Async<http::Response> pull(Api api, const http::Request& request) {
  auto call = bind_pull(request);
  if (!call) return answer_error(api, request, std::move(call).error());
  const auto make = [memory = api.memory](const service::PullResponse& page, std::string_view type) {
    return answer_pull(page, type, *memory);
  };
  return answer_with(api, request, api.service->pull(*std::move(call), context_of(request)), make);
}

Async<http::Response> call(Api api, const service::CallRow& row, const http::Request& request) {
  service::ProtobufPtr message(row.request->New());
  auto bound = bind_message(request, *message);
  if (!bound) return answer_error(api, request, std::move(bound).error());
  const auto make = [memory = api.memory, effect = row.effect](const service::ProtobufPtr& answer,
                                                               std::string_view type) {
    return answer_message(*answer, effect, type, *memory);
  };
  return answer_with(api, request, api.service->call(row, std::move(message), context_of(request)), make);
}

/// The short ways to the calls that are most of the traffic.
http::Handler handler_of(Api api, const service::CallRow& row) {
  if (row.name == "Send") return [api](const http::Request& request) { return send(api, request); };
  if (row.name == "Pull") return [api](const http::Request& request) { return pull(api, request); };
  return [api, &row](const http::Request& request) { return call(api, row, request); };
}

}  // namespace

http::Routes api_routes(service::MessageService& service, const service::CallTable& calls, MemoryBudget& memory,
                        http::ErrorFormat errors, std::function<std::string()> durability) {
  const Api api{&service, &memory, errors};
  http::Routes routes = {
      {"/ping", {"GET"}, [durability = std::move(durability)](const http::Request&) { return ping(durability()); }}};
  for (const service::CallRow& row : calls.rows()) {
    std::vector<std::string_view> methods = {"POST"};
    if (row.effect == service::Effect::kReads) methods.insert(methods.begin(), "GET");
    routes.push_back({row.path, std::move(methods), handler_of(api, row)});
  }
  return routes;
}

}  // namespace parley::api
