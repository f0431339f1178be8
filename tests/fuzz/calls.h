// Bound calls, to be bound and compared again.
#pragma once

#include <span>
#include <string_view>

#include "api/binding.h"
#include "chat/text.h"
#include "fuzz.h"

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
