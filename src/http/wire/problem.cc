#include "http/wire/problem.h"

#include <iterator>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "http/wire/json_writer.h"

namespace parley::http {
namespace {

constexpr std::string_view kTypePrefix = "urn:parley:error:";

/// The template's server knows two failures: what it could not read, and what a call answered. Anything else never
/// reaches its handlers, so its framework's own status stands.
int template_status(const ErrorInfo& info) noexcept {
  switch (info.code) {
    case ErrorCode::kMalformedRequest:
    case ErrorCode::kOriginNotAllowed:
    case ErrorCode::kNotFound:
    case ErrorCode::kMethodNotAllowed:
    case ErrorCode::kRequestTimeout:
    case ErrorCode::kBodyTooLarge:
    case ErrorCode::kUnsupportedMediaType:
    case ErrorCode::kHeadersTooLarge: return info.http_status;
    case ErrorCode::kInvalidChat:
    case ErrorCode::kSenderNotInChat:
    case ErrorCode::kInvalidText:
    case ErrorCode::kTextTooLong:
    case ErrorCode::kInvalidCursor:
    case ErrorCode::kInvalidLimit:
    case ErrorCode::kInvalidIdempotencyKey:
    case ErrorCode::kChatNotFound:
    case ErrorCode::kIdempotencyConflict:
    case ErrorCode::kOverloaded:
    case ErrorCode::kUnavailable:
    case ErrorCode::kOutcomeUnknown:
    case ErrorCode::kInternal:
    case ErrorCode::kBadUpstream: return 500;
  }
  return 500;
}

std::string template_text(const ErrorInfo& info, std::string detail) {
  if (info.code == ErrorCode::kMalformedRequest) return "Failed to parse request body: " + detail;
  return detail;
}

std::string problem_json(const ErrorInfo& info, std::string_view detail, std::string_view request_id) {
  std::string json = R"({"type":)";
  append_json_string(json, fmt::format("{}{}", kTypePrefix, info.name));
  json += R"(,"title":)";
  append_json_string(json, info.title);
  fmt::format_to(std::back_inserter(json), R"(,"status":{},"detail":)", info.http_status);
  append_json_string(json, detail);
  json += R"(,"code":)";
  append_json_string(json, info.name);
  if (!request_id.empty()) {
    json += R"(,"request_id":)";
    append_json_string(json, replace_invalid_utf8(request_id));
  }
  json += '}';
  return json;
}

}  // namespace

Response error_response(const Error& error, ErrorFormat format, std::string_view request_id) {
  const ErrorInfo& info = error_info(error.code);
  // A detail may quote what the client sent, which need not be UTF-8.
  std::string detail = replace_invalid_utf8(error.detail.empty() ? info.title : error.detail);

  Response response;
  if (format == ErrorFormat::kTemplate) {
    response.status = template_status(info);
    response.content_type = "text/plain; charset=utf-8";
    response.body = template_text(info, std::move(detail));
  } else {
    response.status = info.http_status;
    response.content_type = "application/problem+json";
    response.body = problem_json(info, detail, request_id);
  }
  response.headers.emplace_back("Parley-Code", info.name);
  if (info.code == ErrorCode::kOverloaded) response.headers.emplace_back("Retry-After", "1");
  return response;
}

}  // namespace parley::http
