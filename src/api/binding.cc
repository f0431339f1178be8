#include "api/binding.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/beast/core/string.hpp>
#include <fmt/format.h>
#include <google/protobuf/message.h>
#include <utf8.h>

#include "api/fields.h"
#include "api/form.h"
#include "api/json_reader.h"
#include "api/media_type.h"
#include "api/message_reader.h"
#include "api/protobuf_codec.h"
#include "service/calls.h"
#include "service/protobuf.h"

namespace parley::api {
namespace {

using google::protobuf::FieldDescriptor;

std::unexpected<Error> malformed(std::string detail) { return fail(ErrorCode::kMalformedRequest, std::move(detail)); }

std::unexpected<Error> encoded(const http::Request& request) {
  return fail(ErrorCode::kUnsupportedMediaType, fmt::format("the body has the Content-Encoding {}: send it unencoded",
                                                            *request.header("Content-Encoding")));
}

/// Names what no encoding of a call begins with.
Result<void> check_first_bytes(std::string_view body) {
  if (body.starts_with("\x1f\x8b")) return malformed("the body is gzip: send it uncompressed");
  if (body.starts_with("\xef\xbb\xbf")) return malformed("the body begins with a byte order mark: send it without one");
  return {};
}

/// JSON under the type of a form, as `curl -d` sends it. No field's name begins like that.
Result<void> check_is_form(std::string_view body) {
  const std::size_t first = body.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || (body[first] != '{' && body[first] != '[')) return {};
  return malformed(
      "the body was read as a form, as its Content-Type says, but it is JSON: send it with Content-Type: "
      "application/json");
}

/// Reads a body by one of the three functions, by its type.
template <class ReadJson, class ReadForm, class ReadProtobuf>
Result<void> read_body(const http::Request& request, const ReadJson& read_json, const ReadForm& read_form,
                       const ReadProtobuf& read_protobuf) {
  if (request.body.empty()) return {};
  if (is_encoded(request)) return encoded(request);
  if (auto checked = check_first_bytes(request.body); !checked) return checked;
  const std::string_view* const content_type = request.header("Content-Type");
  switch (body_type(content_type == nullptr ? std::string_view{} : *content_type)) {
    case BodyType::kJson: return read_json(request.body);
    case BodyType::kForm: {
      if (auto checked = check_is_form(request.body); !checked) return checked;
      return read_form(request.body);
    }
    case BodyType::kProtobuf: return read_protobuf(request.body);
    case BodyType::kUnsupported: break;
  }
  return fail(ErrorCode::kUnsupportedMediaType,
              "send application/json, application/x-www-form-urlencoded or "
              "application/x-protobuf");
}

/// The body's value of a parameter wins over the query's.
template <class ReadProtobuf>
Result<void> read_body_and_query(const http::Request& request, const ReadProtobuf& read_protobuf,
                                 std::span<Field> fields) {
  auto body = read_body(
      request, [fields](std::string_view json) { return read_json(json, fields); },
      [fields](std::string_view form) { return read_form(form, fields); },
      [&](std::string_view bytes) {
        auto read = read_protobuf(bytes);
        if (read) mark_present(fields);
        return read;
      });
  if (!body) return body;
  return read_form(request.query, fields);
}

Result<void> read_key_headers(const http::Request& request, std::string& key) {
  for (const http::Header& header : request.headers) {
    if (header.value.empty() || !boost::beast::iequals(header.name, "Idempotency-Key")) continue;
    if (key.empty()) key = header.value;
    if (key != header.value) {
      return fail(ErrorCode::kInvalidIdempotencyKey, "the request gives more than one idempotency key");
    }
  }
  return {};
}

/// Marks what has a value: the format has no other presence.
void mark_given(const service::Protobuf& message, Given& given) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const FieldDescriptor* const field : fields) given[static_cast<std::size_t>(field->index())] = true;
}

}  // namespace

Result<service::SendRequest> bind_send(const http::Request& request) {
  Result<service::SendRequest> bound;
  service::SendRequest& call = *bound;
  std::string receiver;
  std::array fields = {Field{"chat", &call.chat}, Field{"text", &call.text}, Field{"sender", &call.sender},
                       Field{"idempotency_key", &call.idempotency_key}, Field{"receiver", &receiver}};
  auto read = read_body_and_query(
      request, [&](std::string_view body) { return read_protobuf_send(body, call, receiver); }, fields);
  if (read) read = service::apply_receiver(call, receiver);
  if (read) read = read_key_headers(request, call.idempotency_key);
  if (!read) bound = std::unexpected(std::move(read.error()));
  return bound;
}

Result<service::PullRequest> bind_pull(const http::Request& request) {
  service::PullRequest call;
  std::array fields = {Field{"chat", &call.chat}, Field{"cursor", &call.cursor}, Field{"limit", &call.limit},
                       Field{"reverse", &call.reverse}};
  auto read =
      read_body_and_query(request, [&](std::string_view body) { return read_protobuf_pull(body, call); }, fields);
  if (!read) return std::unexpected(std::move(read.error()));
  return call;
}

Result<void> bind_message(const http::Request& request, service::Protobuf& message) {
  Given given(static_cast<std::size_t>(message.GetDescriptor()->field_count()));
  auto read = read_body(
      request, [&](std::string_view json) { return read_json(json, message, given); },
      [&](std::string_view form) { return read_form(form, message, given); },
      [&](std::string_view bytes) {
        auto parsed = service::read_protobuf_request(bytes, message);
        if (parsed) mark_given(message, given);
        return parsed;
      });
  if (read) read = read_form(request.query, message, given);
  const FieldDescriptor* const field = service::idempotency_key_field(*message.GetDescriptor());
  if (!read || field == nullptr) return read;
  const auto* const reflection = message.GetReflection();
  std::string key = reflection->GetString(message, field);
  if (read = read_key_headers(request, key); !read) return read;
  if (!utf8::is_valid(key.begin(), key.end())) return not_utf8(field->name());
  if (!key.empty()) reflection->SetString(&message, field, std::move(key));
  return {};
}

bool is_encoded(const http::Request& request) noexcept {
  return std::ranges::any_of(request.headers, [](const http::Header& header) {
    return header.name.size() == 16 && boost::beast::iequals(header.name, "Content-Encoding") &&
           !header.value.empty() && !boost::beast::iequals(header.value, "identity");
  });
}

}  // namespace parley::api
