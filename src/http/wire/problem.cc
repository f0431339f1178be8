#include "http/wire/problem.h"

#include <iterator>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/json_string.h"

namespace parley::http {
namespace {

constexpr std::string_view kTypePrefix = "urn:parley:error:";

std::string template_text(const ErrorInfo& info, std::string detail) {
  if (info.origin == ErrorOrigin::kReading) return "Failed to parse request body: " + detail;
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
    response.status = info.template_status;
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
