// Errors as clients read them: RFC 9457 problem details, or the template's plain text.
#pragma once

#include <string_view>

#include "base/error.h"
#include "http/wire/message.h"

namespace parley::http {

/// How errors are written.
enum class ErrorFormat {
  kProblem,   ///< RFC 9457 application/problem+json
  kTemplate,  ///< as the template's Go server does: plain text, mostly 400 and 500
};

/// The answer to whatever failed with `error`. The status is the error table's; the header Parley-Code carries the
/// code, and kOverloaded says Retry-After. The Allow of a 405 is for the caller to add.
///
/// kProblem: `type` is "urn:parley:error:" and the code's name, then `title`, `status`, `detail` and `code`, and
/// `request_id` where that is not empty. kTemplate: the detail as plain text, under the table's
/// template_status.
[[nodiscard]] Response error_response(const Error& error, ErrorFormat format, std::string_view request_id);

}  // namespace parley::http
