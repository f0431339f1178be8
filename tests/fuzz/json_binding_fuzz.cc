// JSON bodies: what is bound is UTF-8, and written as JSON it is bound the same again.
#include <string>

#include "base/json_string.h"
#include "calls.h"

namespace {

using namespace parley;

std::string json_of(const service::SendRequest& call) {
  std::string json = R"({"chat":)";
  append_json_string(json, call.chat);
  json += R"(,"text":)";
  append_json_string(json, call.text);
  json += R"(,"sender":)";
  append_json_string(json, call.sender);
  json += R"(,"idempotency_key":)";
  append_json_string(json, call.idempotency_key);
  return json + "}";
}

std::string json_of(const service::PullRequest& call) {
  std::string json = R"({"chat":)";
  append_json_string(json, call.chat);
  json += R"(,"cursor":)" + std::to_string(call.cursor) + R"(,"limit":)" + std::to_string(call.limit);
  return json + R"(,"reverse":)" + (call.reverse ? "true}" : "false}");
}

template <class Call>
void check(Result<Call> (*bind)(const http::Request&), std::string_view body) {
  const http::Request request = fuzz::request_of("", body, {});
  const auto call = bind(request);
  fuzz::require_same_by_descriptor(request, call);
  if (!call) return fuzz::require_malformed(call);
  fuzz::require(fuzz::is_utf8(*call), "strings from JSON are UTF-8");
  const std::string json = json_of(*call);
  const auto again = bind(fuzz::request_of("", json, {}));
  fuzz::require(again && fuzz::same(*call, *again), "a call survives being written and read");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check(parley::api::bind_send, fuzz::as_text(data, size));
  check(parley::api::bind_pull, fuzz::as_text(data, size));
  return 0;
}
