// Errors as clients read them.
#pragma once

#include <string_view>

#include "base/error.h"
#include "http/http_options.h"
#include "http/message.h"

namespace parley::http {

/// The whole answer to a request that failed with `error`: status, body in `format`, Parley-Code, and Retry-After where
/// trying again makes sense.
[[nodiscard]] Response error_response(const Error& error, ErrorFormat format, std::string_view request_id);

}  // namespace parley::http
