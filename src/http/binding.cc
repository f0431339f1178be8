#include "http/binding.h"

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <boost/beast/core/string.hpp>

#include "http/fields.h"
#include "http/form.h"
#include "http/json_reader.h"
#include "http/media_type.h"
#include "http/protobuf_codec.h"

namespace parley::http {
namespace {

/// Reads a body into `fields`, which point into `call`.
template <class Call>
Result<void> read_body(const Request& request, Result<Call> (*read_protobuf)(std::string_view), Call& call,
                       std::span<Field> fields) {
  if (request.body.empty()) return {};
  const std::string_view* const content_type = request.header("Content-Type");
  switch (body_type(content_type == nullptr ? std::string_view{} : *content_type)) {
    case BodyType::kJson: return read_json(request.body, fields);
    case BodyType::kForm: return read_form(request.body, fields);
    case BodyType::kProtobuf: {
      auto message = read_protobuf(request.body);
      if (!message) return std::unexpected(std::move(message.error()));
      call = std::move(*message);
      mark_present(fields);
      return {};
    }
    case BodyType::kUnsupported: break;
  }
  return fail(ErrorCode::kUnsupportedMediaType,
              "send application/json, application/x-www-form-urlencoded or "
              "application/x-protobuf");
}

/// The body's value of a parameter wins over the query's.
template <class Call>
Result<void> read_body_and_query(const Request& request, Result<Call> (*read_protobuf)(std::string_view), Call& call,
                                 std::span<Field> fields) {
  if (auto body = read_body(request, read_protobuf, call, fields); !body) return body;
  return read_form(request.query, fields);
}

Result<void> read_key_headers(const Request& request, std::string& key) {
  for (const Header& header : request.headers) {
    if (header.value.empty() || !boost::beast::iequals(header.name, "Idempotency-Key")) continue;
    if (key.empty()) key = header.value;
    if (key != header.value) {
      return fail(ErrorCode::kInvalidIdempotencyKey, "the request gives more than one idempotency key");
    }
  }
  return {};
}

}  // namespace

Result<service::SendRequest> bind_send(const Request& request) {
  Result<service::SendRequest> bound;
  service::SendRequest& call = *bound;
  std::array fields = {Field{"chat", &call.chat}, Field{"text", &call.text}, Field{"sender", &call.sender},
                       Field{"idempotency_key", &call.idempotency_key}};
  auto read = read_body_and_query<service::SendRequest>(request, read_protobuf_send, call, fields);
  if (read) read = read_key_headers(request, call.idempotency_key);
  if (!read) bound = std::unexpected(std::move(read.error()));
  return bound;
}

Result<service::PullRequest> bind_pull(const Request& request) {
  service::PullRequest call;
  std::array fields = {Field{"chat", &call.chat}, Field{"cursor", &call.cursor}, Field{"limit", &call.limit},
                       Field{"reverse", &call.reverse}};
  auto read = read_body_and_query<service::PullRequest>(request, read_protobuf_pull, call, fields);
  if (!read) return std::unexpected(std::move(read.error()));
  return call;
}

}  // namespace parley::http
