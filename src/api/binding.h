// A call's parameters out of a request: from its body, its query string and the header Idempotency-Key.
#pragma once

#include "base/error.h"
#include "http/wire/message.h"
#include "service/message_service.h"

namespace parley::api {

// The body is read by its Content-Type, as json_reader.h, form.h and protobuf_codec.h say. What it does not hold is
// taken from the query string. An empty body is none, and then Content-Type and Content-Encoding do not matter. Names
// in a query or form are case-sensitive. Values are as they came: their meaning is for the service to check.
//
// Errors: kMalformedRequest, kUnsupportedMediaType.

/// A send without a chat but with the parameter `receiver` is for the chat of sender and receiver.
///
/// Also kInvalidIdempotencyKey if the headers Idempotency-Key and the parameter idempotency_key do not all agree; empty
/// ones do not count. kSenderNotInChat for a receiver without a sender. kInvalidChat if chat and receiver are both
/// given and name different chats, and for a receiver that is no member's name.
[[nodiscard]] Result<service::SendRequest> bind_send(const http::Request& request);

[[nodiscard]] Result<service::PullRequest> bind_pull(const http::Request& request);

/// The message of any call, set as its descriptor says; see message_reader.h too. A repeated field has every value that
/// the body gave, or else every one of the query. The header Idempotency-Key goes to a field `idempotency_key`, if
/// there is one, by the rules above.
[[nodiscard]] Result<void> bind_message(const http::Request& request, service::Protobuf& message);

/// Whether the body is encoded (RFC 9110, 8.4), such as gzip. Such a body is kUnsupportedMediaType.
[[nodiscard]] bool is_encoded(const http::Request& request) noexcept;

}  // namespace parley::api
