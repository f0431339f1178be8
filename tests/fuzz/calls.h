// Bound calls, to be bound and compared again.
#pragma once

#include <span>
#include <string_view>

#include <api.pb.h>

#include "api/binding.h"
#include "chat/text.h"
#include "fuzz.h"
#include "service/protobuf.h"

namespace parley::fuzz {

/// A request of this body and query. The header array must outlive it.
inline http::Request request_of(std::string_view query, std::string_view body, std::span<const http::Header> headers) {
  http::Request request{};
  request.query = query;
  request.body = body;
  request.headers = headers;
  return request;
}

inline bool same(const service::SendRequest& a, const service::SendRequest& b) {
  return a.chat == b.chat && a.text == b.text && a.sender == b.sender && a.idempotency_key == b.idempotency_key;
}
inline bool same(const service::PullRequest& a, const service::PullRequest& b) {
  return a.chat == b.chat && a.cursor == b.cursor && a.limit == b.limit && a.reverse == b.reverse;
}

inline bool is_utf8(const service::SendRequest& call) {
  return parley::is_utf8(call.chat) && parley::is_utf8(call.text) && parley::is_utf8(call.sender) &&
         parley::is_utf8(call.idempotency_key);
}
inline bool is_utf8(const service::PullRequest& call) { return parley::is_utf8(call.chat); }

/// The call by its message's descriptor alone.
inline Result<service::SendRequest> by_descriptor(const http::Request& request, const service::SendRequest&) {
  ::api::SendRequest message;
  if (auto bound = parley::api::bind_message(request, message); !bound) return std::unexpected(bound.error());
  const std::string receiver = message.receiver();
  service::SendRequest call = service::from_protobuf(std::move(message));
  if (auto applied = service::apply_receiver(call, receiver); !applied) return std::unexpected(applied.error());
  return call;
}
inline Result<service::PullRequest> by_descriptor(const http::Request& request, const service::PullRequest&) {
  ::api::PullRequest message;
  if (auto bound = parley::api::bind_message(request, message); !bound) return std::unexpected(bound.error());
  return service::from_protobuf(std::move(message));
}

/// By its descriptor a call is bound the same, but that a form's string that is not UTF-8 is refused at once.
template <class Call>
void require_same_by_descriptor(const http::Request& request, const Result<Call>& call) {
  const auto again = by_descriptor(request, Call{});
  if (call && !is_utf8(*call)) return require(!again, "by its descriptor a call has UTF-8 alone");
  require(call.has_value() == again.has_value(), "both ways read the same requests");
  require(!call || same(*call, *again), "both ways bind the same call");
}

template <class Call>
void require_malformed(const Result<Call>& call) {
  require(call.error().code == ErrorCode::kMalformedRequest, "what cannot be read is a malformed_request");
}
/// A send may also have a receiver that does not fit.
inline void require_malformed(const Result<service::SendRequest>& call) {
  const ErrorCode code = call.error().code;
  require(
      code == ErrorCode::kMalformedRequest || code == ErrorCode::kInvalidChat || code == ErrorCode::kSenderNotInChat,
      "what cannot be read is a malformed_request, and a receiver belongs to the chat");
}

}  // namespace parley::fuzz
