#include "cli/api_client.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <boost/json.hpp>
#include <boost/url/encode.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <fmt/format.h>

#include "base/error.h"
#include "base/quote.h"

namespace parley::cli {
namespace {

namespace json = boost::json;

std::string encode(std::string_view text) { return boost::urls::encode(text, boost::urls::unreserved_chars); }

/// The member of `object`, as text; empty where it is none.
std::string text_of(const json::object& object, std::string_view name) {
  const json::value* const value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

Failure failure_of(const http::HttpAnswer& answer) {
  Failure failure{.message = {},
                  .code = answer.code,
                  .passing = false,
                  .reached = true,
                  .maybe_done = false,
                  .retry_after = answer.retry_after};
  boost::system::error_code error;
  const json::value problem = json::parse(answer.body, error);
  if (!error && problem.is_object()) {
    const json::object& object = problem.get_object();
    const std::string detail = text_of(object, "detail");
    failure.message = detail.empty() ? text_of(object, "title") : detail;
    if (failure.code.empty()) failure.code = text_of(object, "code");
  } else {
    failure.message = answer.body.substr(0, std::min(answer.body.find('\n'), std::size_t{200}));
  }
  // With --http-errors=template every error of a call is a 500; the code still says which it is.
  // A 5xx without a code that is known comes from something between, or a later Parley: it may mean anything.
  const ErrorInfo* const row = error_named(failure.code);
  failure.passing = row != nullptr ? row->effect != ErrorEffect::kRefused : answer.status >= 500;
  failure.maybe_done = row != nullptr ? row->effect == ErrorEffect::kUnknown : answer.status >= 500;
  if (failure.code.empty()) {  // 5xx may come from a proxy before a Parley server
    failure.message =
        answer.server + (answer.status >= 500 ? " did not answer as a Parley server does" : " is no Parley server");
  }
  // The calls of this program exist on every Parley server, so the request came to a wrong place.
  if (failure.code == "not_found") {
    failure.message = answer.server + " is another listener of a Parley server, or its path is wrong";
  }
  const std::string label = failure.code.empty() ? fmt::format("HTTP {}", answer.status) : failure.code;
  failure.message = escape_controls(failure.message.empty() ? label : fmt::format("{} ({})", failure.message, label));
  return failure;
}

/// An answer that no Parley server gives.
Failure foreign(const http::HttpAnswer& answer, std::string_view what) {
  return {.message = fmt::format("{} is no Parley server: {}", answer.server, what),
          .code = {},
          .passing = false,
          .reached = true,
          .maybe_done = false,
          .retry_after = {}};
}

/// The object that a successful answer holds, or the failure.
Outcome<json::object> object_of(const http::HttpOutcome& answer) {
  if (!answer) {
    return std::unexpected(Failure{.message = escape_controls(answer.error().why),
                                   .code = {},
                                   .passing = true,
                                   .reached = false,
                                   .maybe_done = answer.error().maybe_sent,
                                   .retry_after = {}});
  }
  if (answer->status != 200) return std::unexpected(failure_of(*answer));
  boost::system::error_code error;
  json::value value = json::parse(answer->body, error);
  if (!error && value.is_object()) return std::move(value.get_object());
  return std::unexpected(foreign(*answer, "its answer is no JSON object"));
}

}  // namespace

Outcome<Sent> read_sent(const http::HttpOutcome& answer) {
  const auto object = object_of(answer);
  if (!object) return std::unexpected(object.error());
  Sent sent{.chat = text_of(*object, "chat"), .send_time = 0, .duplicate = false};
  const json::value* const time = object->if_contains("send_time");
  if (time == nullptr || !time->is_int64()) return std::unexpected(foreign(*answer, "its answer has no send_time"));
  sent.send_time = time->get_int64();
  const json::value* const duplicate = object->if_contains("duplicate");
  sent.duplicate = duplicate != nullptr && duplicate->is_bool() && duplicate->get_bool();
  return sent;
}

Outcome<Pulled> read_pulled(const http::HttpOutcome& answer) {
  const auto object = object_of(answer);
  if (!object) return std::unexpected(object.error());
  const json::value* const messages = object->if_contains("messages");
  const json::value* const more = object->if_contains("has_more");
  const json::value* const next = object->if_contains("next_cursor");
  if (messages == nullptr || !messages->is_array())
    return std::unexpected(foreign(*answer, "its answer has no messages"));
  if (more == nullptr || !more->is_bool()) return std::unexpected(foreign(*answer, "its answer has no has_more"));
  if (next == nullptr || !next->is_int64()) return std::unexpected(foreign(*answer, "its answer has no next_cursor"));
  Pulled pulled{.messages = {}, .has_more = more->get_bool(), .next_cursor = next->get_int64()};
  for (const json::value& item : messages->get_array()) {
    const json::object* const message = item.if_object();
    const json::value* const time = message == nullptr ? nullptr : message->if_contains("send_time");
    if (time == nullptr || !time->is_int64()) return std::unexpected(foreign(*answer, "its answer has no messages"));
    pulled.messages.push_back({.chat = text_of(*message, "chat"),
                               .text = text_of(*message, "text"),
                               .sender = text_of(*message, "sender"),
                               .send_time = time->get_int64()});
  }
  return pulled;
}

Async<Outcome<Sent>> send(http::HttpClient& client, SendCall call) {
  http::HttpRequest request{
      .method = "POST",
      .target = "/api/send",
      .headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}},
      .body = json::serialize(json::object{{"chat", call.chat},
                                           {"text", call.text},
                                           {"sender", call.sender},
                                           {"idempotency_key", call.idempotency_key}}),
  };
  const auto answer = co_await client.call(std::move(request));
  co_return read_sent(answer);
}

Async<Outcome<Pulled>> pull(http::HttpClient& client, PullCall call) {
  http::HttpRequest request{
      .method = "GET",
      .target = fmt::format("/api/pull?chat={}&cursor={}&limit={}&reverse={}", encode(call.chat), call.cursor,
                            call.limit, call.reverse),
      .headers = {{"Accept", "application/json"}},
      .body = {},
  };
  const auto answer = co_await client.call(std::move(request));
  co_return read_pulled(answer);
}

Outcome<std::string> read_status(const http::HttpOutcome& answer) {
  const Outcome<json::object> object = object_of(answer);
  if (!object) return std::unexpected(object.error());
  std::string status = text_of(*object, "status");
  if (status.empty()) return std::unexpected(foreign(*answer, "its answer has no status"));
  return escape_controls(status);
}

Async<Outcome<std::string>> status(http::HttpClient& client, std::string path) {
  const http::HttpOutcome answer =
      co_await client.call({.method = "GET", .target = std::move(path), .headers = {}, .body = {}});
  co_return read_status(answer);
}

}  // namespace parley::cli
