// A call's parameters out of a request: from its body, its query string and the header Idempotency-Key.
#pragma once

#include "base/error.h"
#include "http/message.h"
#include "service/message_service.h"

namespace parley::http {

// The body is read by its Content-Type, as json_reader.h, form.h and protobuf_codec.h say, and what it does not hold is
// taken from the query string. An empty body is none, and then Content-Type does not matter. Names in a query or form
// are case-sensitive. Values are as they came: their meaning is for the service to check.
//
// Errors: kMalformedRequest, kUnsupportedMediaType.

/// Also kInvalidIdempotencyKey, where the headers Idempotency-Key and the parameter idempotency_key do not all agree;
/// empty ones do not count.
[[nodiscard]] Result<service::SendRequest> bind_send(const Request& request);

[[nodiscard]] Result<service::PullRequest> bind_pull(const Request& request);

}  // namespace parley::http
