// The OpenAPI document, made of the calls, their messages, the IDL's comments and the error table.
#pragma once

#include <string>
#include <string_view>

#include "api/comments.h"
#include "service/calls.h"

namespace parley::api {

/// `frame` with what it lacks: a path for each call, a schema for each message and a response for each error. It is
/// openapi.json: what is said once for all calls, and under `x-parley` what descriptors and comments cannot say:
///
/// - fields: keywords for the schema of a field, by name or by message and name. A $ref is in place of its type.
/// - messages: keywords for the schema of a message, such as `required` and `example`.
/// - errors: a description, the example's detail and further headers of an error, by code.
///
/// An operation of its own names its errors by `x-errors`. `comments` are those of the calls' IDL.
[[nodiscard]] std::string openapi_document(std::string_view frame, const service::CallTable& calls,
                                           const Comments& comments);

/// A Postman collection of the calls in such a document: one request for each operation, with its example.
[[nodiscard]] std::string postman_collection(std::string_view openapi);

}  // namespace parley::api
