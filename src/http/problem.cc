#include "http/problem.h"

namespace parley::http {

Response error_response(const Error& error, ErrorFormat, std::string_view) {
  const ErrorInfo& info = error_info(error.code);
  Response response{info.http_status, "text/plain; charset=utf-8", error.detail, {}};
  response.headers.emplace_back("Parley-Code", info.name);
  if (error.code == ErrorCode::kOverloaded) response.headers.emplace_back("Retry-After", "1");
  return response;
}

}  // namespace parley::http
