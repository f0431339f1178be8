#include "api/message_writer.h"

#include <google/protobuf/message.h>
#include <options.pb.h>

#include "base/json_string.h"

namespace parley::api {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Reflection;
using service::Protobuf;

bool has_value(const Protobuf& message, const Reflection& reflection, const FieldDescriptor& field) {
  return field.is_repeated() ? reflection.FieldSize(message, &field) > 0 : reflection.HasField(message, &field);
}

void append_value(std::string& out, const Protobuf& message, const Reflection& reflection,
                  const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string scratch;
      return append_json_string(out, reflection.GetStringReference(message, &field, &scratch));
    }
    case FieldDescriptor::CPPTYPE_BOOL: out += reflection.GetBool(message, &field) ? "true" : "false"; return;
    case FieldDescriptor::CPPTYPE_INT32: out += std::to_string(reflection.GetInt32(message, &field)); return;
    case FieldDescriptor::CPPTYPE_INT64: out += std::to_string(reflection.GetInt64(message, &field)); return;
    default: return append_json(out, reflection.GetMessage(message, &field));  // a CallTable has no other fields
  }
}

void append_element(std::string& out, const Protobuf& message, const Reflection& reflection,
                    const FieldDescriptor& field, int index) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string scratch;
      return append_json_string(out, reflection.GetRepeatedStringReference(message, &field, index, &scratch));
    }
    case FieldDescriptor::CPPTYPE_BOOL:
      out += reflection.GetRepeatedBool(message, &field, index) ? "true" : "false";
      return;
    case FieldDescriptor::CPPTYPE_INT32:
      out += std::to_string(reflection.GetRepeatedInt32(message, &field, index));
      return;
    case FieldDescriptor::CPPTYPE_INT64:
      out += std::to_string(reflection.GetRepeatedInt64(message, &field, index));
      return;
    default: return append_json(out, reflection.GetRepeatedMessage(message, &field, index));
  }
}

void append_list(std::string& out, const Protobuf& message, const Reflection& reflection,
                 const FieldDescriptor& field) {
  out += '[';
  const int size = reflection.FieldSize(message, &field);
  for (int i = 0; i < size; ++i) {
    if (i > 0) out += ',';
    append_element(out, message, reflection, field, i);
  }
  out += ']';
}

}  // namespace

bool is_always(const FieldDescriptor& field) { return field.options().GetExtension(::api::always); }

void append_json(std::string& out, const Protobuf& message) {
  const auto& type = *message.GetDescriptor();
  const Reflection& reflection = *message.GetReflection();
  out += '{';
  bool first = true;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (!is_always(field) && !has_value(message, reflection, field)) continue;
    if (!std::exchange(first, false)) out += ',';
    out += '"';
    out += field.name();
    out += R"(":)";
    field.is_repeated() ? append_list(out, message, reflection, field) : append_value(out, message, reflection, field);
  }
  out += '}';
}

}  // namespace parley::api
