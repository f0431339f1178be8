// Any message in JSON.
#pragma once

#include <string>

#include "service/message_service.h"

namespace google::protobuf {
class FieldDescriptor;
}

namespace parley::api {

/// Whether the field is in every answer, as the IDL says of it.
[[nodiscard]] bool is_always(const google::protobuf::FieldDescriptor& field);

/// The fields in the order of the IDL: those that are marked always, and those that have a value. An empty list is [],
/// integers are numbers. Strings must be UTF-8.
void append_json(std::string& out, const service::Protobuf& message);

}  // namespace parley::api
