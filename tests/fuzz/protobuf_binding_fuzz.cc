// Protobuf bodies: what is bound is UTF-8, and serialised it is bound the same again.
#include <string>

#include <api.pb.h>

#include "calls.h"

namespace {

using namespace parley;

constexpr http::Header kProtobufHeader{"Content-Type", "application/x-protobuf"};

std::string bytes_of(const service::SendRequest& call) {
  ::api::SendRequest message;
  message.set_chat(call.chat);
  message.set_text(call.text);
  message.set_sender(call.sender);
  message.set_idempotency_key(call.idempotency_key);
  return message.SerializeAsString();
}

std::string bytes_of(const service::PullRequest& call) {
  ::api::PullRequest message;
  message.set_chat(call.chat);
  message.set_cursor(call.cursor);
  message.set_limit(call.limit);
  message.set_reverse(call.reverse);
  return message.SerializeAsString();
}

template <class Call>
void check(Result<Call> (*bind)(const http::Request&), std::string_view body) {
  const http::Request request = fuzz::request_of("", body, {&kProtobufHeader, 1});
  const auto call = bind(request);
  fuzz::require_same_by_descriptor(request, call);
  if (!call) return fuzz::require_malformed(call);
  fuzz::require(fuzz::is_utf8(*call), "strings from protobuf are UTF-8");
  const std::string bytes = bytes_of(*call);
  const auto again = bind(fuzz::request_of("", bytes, {&kProtobufHeader, 1}));
  fuzz::require(again && fuzz::same(*call, *again), "a call survives being serialised and parsed");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check(parley::api::bind_send, fuzz::as_text(data, size));
  check(parley::api::bind_pull, fuzz::as_text(data, size));
  return 0;
}
