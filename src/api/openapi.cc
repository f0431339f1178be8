#include "api/openapi.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <vector>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <google/protobuf/message.h>

#include "api/media_type.h"
#include "api/message_writer.h"
#include "service/protobuf.h"

namespace parley::api {
namespace {

namespace json = boost::json;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using service::CallRow;
using service::Effect;
using service::is_message;

constexpr std::string_view kFormType = "application/x-www-form-urlencoded";

/// What a schema is of: the same message is written differently in each.
enum class Use : std::uint8_t {
  kJson,    ///< a request in JSON, or in protobuf
  kForm,    ///< a request in a form or query
  kAnswer,  ///< an answer
};

json::object ref(std::string_view kind, std::string_view name) {
  return {{"$ref", fmt::format("#/components/{}/{}", kind, name)}};
}

json::object with(json::object base, const json::object& more) {
  for (const auto& [key, value] : more) base[key] = value;
  return base;
}

/// "chat_not_found" as "ChatNotFound".
std::string camel(std::string_view name) {
  std::string out;
  bool upper = true;
  for (const char c : name) {
    if (c != '_') out += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    upper = c == '_';
  }
  return out;
}

class Document {
 public:
  Document(std::string_view frame, const Comments& comments) : comments_(comments) {
    root_ = json::parse(frame).as_object();
    hints_ = root_["x-parley"].as_object();
    root_.erase("x-parley");
  }

  std::string make(const service::CallTable& calls) {
    describe_errors();
    for (const CallRow& row : calls.rows()) requests_.insert(row.request->GetDescriptor()->name());
    for (auto& [path, operations] : root_["paths"].as_object()) {
      for (auto& [method, operation] : operations.as_object()) answer_own(operation.as_object());
    }
    for (const CallRow& row : calls.rows()) add_call(row);
    // Those of no operation.
    for (const ErrorInfo& row : kErrorTable) {
      if (!described_.contains(row.code)) (void)response_of({&row});
    }
    return json::serialize(root_);
  }

 private:
  [[nodiscard]] json::object& components(std::string_view kind) {
    json::object& all = root_["components"].as_object();
    if (!all.contains(kind)) all[kind] = json::object();
    return all[kind].as_object();
  }
  [[nodiscard]] const json::object& hint(std::string_view kind, std::string_view name) const {
    static const json::object none;
    const json::object& all = hints_.at(kind).as_object();
    const auto found = all.find(name);
    return found == all.end() ? none : found->value().as_object();
  }
  [[nodiscard]] std::string comment(std::string_view name) const {
    const auto found = comments_.find(name);
    return found == comments_.end() ? std::string() : found->second;
  }

  // Errors.

  void describe_errors() {
    json::array codes;
    for (const ErrorInfo& row : kErrorTable) codes.emplace_back(row.name);
    components("schemas")["Code"] = {
        {"description", "The stable name of an error."}, {"type", "string"}, {"enum", std::move(codes)}};
  }

  json::object responses(const std::set<ErrorCode>& codes) {
    std::map<int, std::vector<const ErrorInfo*>> by_status;
    for (const ErrorCode code : codes) by_status[error_info(code).http_status].push_back(&error_info(code));
    json::object out;
    for (const auto& [status, rows] : by_status) out[std::to_string(status)] = response_of(rows);
    return out;
  }

  /// The response that has one of these errors, all of one status, described once.
  json::object response_of(const std::vector<const ErrorInfo*>& rows) {
    std::string name;
    std::string description;
    json::object headers{{"X-Request-Id", ref("headers", "X-Request-Id")},
                         {"Parley-Code", ref("headers", "Parley-Code")}};
    json::array codes;
    json::object examples;
    for (const ErrorInfo* const row : rows) {
      described_.insert(row->code);
      const json::object& said = hint("errors", row->name);
      name += (name.empty() ? "" : "Or") + camel(row->name);
      const std::string what = said.contains("description") ? std::string(said.at("description").as_string())
                                                            : fmt::format("{}.", row->title);
      description +=
          rows.size() == 1 ? what : fmt::format("{}`{}`: {}", description.empty() ? "" : " ", row->name, what);
      if (said.contains("headers")) headers = with(std::move(headers), said.at("headers").as_object());
      codes.emplace_back(row->name);
      examples[row->name] = {{"value",
                              {{"type", fmt::format("urn:parley:error:{}", row->name)},
                               {"title", row->title},
                               {"status", row->http_status},
                               {"detail", said.contains("detail") ? said.at("detail") : json::value(row->title)},
                               {"code", row->name},
                               {"request_id", "5f0c1a2b3c4d-1f"}}}};
    }
    json::object narrowed{{"status", json::object{{"const", rows.front()->http_status}}},
                          {"code", json::object{{"enum", std::move(codes)}}}};
    components("responses")[name] = {
        {"description", description},
        {"headers", std::move(headers)},
        {"content",
         {{"application/problem+json",
           {{"schema",
             {{"allOf", json::array{ref("schemas", "Problem"), json::object{{"properties", std::move(narrowed)}}}}}},
            {"examples", std::move(examples)}}}}}};
    return ref("responses", name);
  }

  /// Of an operation that is no call.
  void answer_own(json::object& operation) {
    std::set<ErrorCode> codes;
    for (const json::value& name : operation["x-errors"].as_array()) codes.insert(error_named(name.as_string())->code);
    operation.erase("x-errors");
    json::object& known = operation["responses"].as_object();
    known = with(std::move(known), responses(codes));
  }

  static std::set<ErrorCode> errors_of(const CallRow& row) {
    using enum ErrorCode;
    std::set<ErrorCode> codes = {kMalformedRequest, kOriginNotAllowed, kRequestTimeout,       kBodyTooLarge,
                                 kHeadersTooLarge,  kInternal,         kUnsupportedMediaType, kBadUpstream,
                                 kOverloaded,       kUnavailable,      kNotSupported};
    codes.insert(row.errors.begin(), row.errors.end());
    if (!row.verb) codes.insert(kInvalidField);  // bound by its descriptor
    if (row.effect != Effect::kReads) codes.insert(kOutcomeUnknown);
    return codes;
  }

  // Fields and messages.

  /// The keywords of a field that hold for each of its values, from the frame.
  [[nodiscard]] const json::object& field_hint(const FieldDescriptor& field) const {
    const std::string own = fmt::format("{}.{}", field.containing_type()->name(), field.name());
    const bool has_own = hints_.at("fields").as_object().contains(own);
    const json::object& found = hint("fields", has_own ? own : field.name());
    static const json::object none;
    // A hint of a string is for no integer of that name, such as `cursor`.
    const bool fits = has_own || !found.contains("$ref") || field.cpp_type() == FieldDescriptor::CPPTYPE_STRING ||
                      field.cpp_type() == FieldDescriptor::CPPTYPE_INT64;
    return fits ? found : none;
  }

  json::object integer(const FieldDescriptor& field, const json::object& hint) {
    const bool wide = field.cpp_type() == FieldDescriptor::CPPTYPE_INT64;
    const std::int64_t least =
        wide ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int32_t>::min();
    const std::int64_t most =
        wide ? std::numeric_limits<std::int64_t>::max() : std::numeric_limits<std::int32_t>::max();
    return {{"type", "integer"},
            {"format", wide ? "int64" : "int32"},
            {"minimum", hint.contains("minimum") ? hint.at("minimum") : json::value(least)},
            {"maximum", most}};
  }

  /// A value of a request's field, in JSON also null, and in a form also empty.
  json::object request_value(const FieldDescriptor& field, Use use, bool required) {
    const json::object& said = field_hint(field);
    const bool form = use == Use::kForm;
    const json::value none = form ? json::value{{"const", ""}} : json::value{{"enum", {"", nullptr}}};
    json::object out;
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_BOOL:
        if (form) return {{"enum", {"true", "false", "1", "0", "", true, false, 1, 0}}, {"default", false}};
        return {{"type", {"boolean", "null"}}, {"default", false}};
      case FieldDescriptor::CPPTYPE_INT32:
      case FieldDescriptor::CPPTYPE_INT64: {
        const json::object number = said.contains("$ref") ? said : integer(field, said);
        const bool positive = said.contains("$ref") || said.contains("minimum");
        const int digits = field.cpp_type() == FieldDescriptor::CPPTYPE_INT64 ? 18 : 9;
        out["default"] = said.contains("default") ? said.at("default") : json::value(0);
        if (form) {
          out["anyOf"] = {number, {{"const", ""}}};
        } else {
          const std::string text = fmt::format("^{}[0-9]{{1,{}}}$", positive ? "" : "-?", digits);
          out["anyOf"] = {number, {{"type", "string"}, {"pattern", text}}, {{"type", "null"}}};
        }
        return out;
      }
      case FieldDescriptor::CPPTYPE_STRING:
        if (said.contains("$ref")) {
          if (required) return said;
          out["anyOf"] = {said, none};
          return out;
        }
        if (form) return with({{"type", "string"}}, said);
        return with({{"type", {"string", "null"}}}, said);
      default:
        if (form) {
          return with({{"type", "string"},
                       {"contentMediaType", kJsonType},
                       {"contentSchema", message_of(*field.message_type(), Use::kJson, true)}},
                      said);
        }
        return {{"anyOf", {message_of(*field.message_type(), use, true), {{"type", "null"}}}}};
    }
  }

  json::object answer_value(const FieldDescriptor& field) {
    const json::object& said = field_hint(field);
    if (said.contains("$ref")) return said;
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_BOOL: return with({{"type", "boolean"}}, said);
      case FieldDescriptor::CPPTYPE_INT32: return with({{"type", "integer"}, {"format", "int32"}}, said);
      case FieldDescriptor::CPPTYPE_INT64: return with({{"type", "integer"}, {"format", "int64"}}, said);
      case FieldDescriptor::CPPTYPE_STRING: return with({{"type", "string"}}, said);
      default: return message_of(*field.message_type(), Use::kAnswer, true);
    }
  }

  /// An element of a list is never left out: it is as a required field.
  json::object list(const FieldDescriptor& field, Use use) {
    json::object out{{"type", use == Use::kJson ? json::value{"array", "null"} : json::value("array")}};
    const json::object& said = field_hint(field);
    for (const std::string_view key : {"minItems", "maxItems"}) {
      if (const auto found = said.find(key); found != said.end()) out[key] = found->value();
    }
    if (is_message(field) && use != Use::kForm) {
      out["items"] = message_of(*field.message_type(), use, true);
    } else {
      out["items"] = use == Use::kAnswer ? answer_value(field) : request_value(field, use, true);
    }
    return out;
  }

  json::object property(const FieldDescriptor& field, Use use, bool required) {
    json::object out = field.is_repeated()   ? list(field, use)
                       : use == Use::kAnswer ? answer_value(field)
                                             : request_value(field, use, required);
    if (std::string text = comment(field.full_name()); !text.empty()) out["description"] = text;
    return out;
  }

  /// The schema of a message, described once for each use. `nested`: as a field of another one.
  json::object message_of(const Descriptor& type, Use use, bool nested) {
    std::string name = (use == Use::kForm ? "Form" : "") + type.name();
    if (nested && use == Use::kJson) name += "Input";  // less is needed than in an answer
    if (use == Use::kAnswer && requests_.contains(name)) name += "Answer";
    if (!named_.insert(name).second) return ref("schemas", name);
    json::object schema = hint("messages", type.name());
    schema.erase("example");
    std::string description = comment(type.full_name());
    if (use == Use::kForm) {
      description = fmt::format(
          "As {}. An empty number or boolean is as if it were not there, since a web form cannot leave a field out.",
          type.name());
    } else {
      std::string fields;
      for (int i = 0; i < type.field_count(); ++i) {
        const FieldDescriptor& field = *type.field(i);
        fields += fmt::format("{}{} {}", fields.empty() ? "" : ", ", field.name(), field.number());
      }
      if (!fields.empty()) description += fmt::format("{}In protobuf: {}.", description.empty() ? "" : " ", fields);
    }
    schema["description"] = description;
    schema["type"] = "object";
    json::array required = schema.contains("required") ? schema["required"].as_array() : json::array();
    json::object properties;
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor& field = *type.field(i);
      if (use == Use::kAnswer && is_always(field)) required.emplace_back(field.name());
      const bool needed = std::ranges::find(required, json::value(field.name())) != required.end();
      properties[field.name()] = property(field, use, needed);
    }
    if (!required.empty()) schema["required"] = std::move(required);
    schema["properties"] = std::move(properties);
    components("schemas")[name] = std::move(schema);
    return ref("schemas", name);
  }

  // Calls.

  [[nodiscard]] json::object content(const Descriptor& type, json::object schema) const {
    json::object out{{"schema", std::move(schema)}};
    const json::object& said = hint("messages", type.name());
    if (said.contains("example")) out["example"] = said.at("example");
    return out;
  }

  json::object success(const Descriptor& type) {
    json::object media;
    for (const std::string_view each : {kJsonType, kProtobufType}) {
      media[each] = content(type, message_of(type, Use::kAnswer, false));
    }
    const std::string said = comment(type.full_name());
    return {{"description", said.empty() ? "The answer." : said},
            {"headers", {{"X-Request-Id", ref("headers", "X-Request-Id")}}},
            {"content", std::move(media)}};
  }

  json::object body(const Descriptor& type) {
    const json::object whole = message_of(type, Use::kJson, false);
    return {{"required", true},
            {"content",
             {{kJsonType, content(type, whole)},
              {kFormType, content(type, message_of(type, Use::kForm, false))},
              {kProtobufType, content(type, whole)}}}};
  }

  /// The fields as parameters of a query.
  json::array query(const Descriptor& type) {
    json::array out;
    const json::object& said = hint("messages", type.name());
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor& field = *type.field(i);
      const json::value name(field.name());
      const bool required = said.contains("required") && std::ranges::find(said.at("required").as_array(), name) !=
                                                             said.at("required").as_array().end();
      json::object parameter{{"name", name}, {"in", "query"}};
      if (required) parameter["required"] = true;
      json::object schema = property(field, Use::kForm, required);
      if (schema.contains("description")) parameter["description"] = schema["description"];
      schema.erase("description");
      parameter["schema"] = std::move(schema);
      if (required && said.contains("example")) parameter["example"] = said.at("example").at(field.name());
      out.push_back(std::move(parameter));
    }
    return out;
  }

  void add_call(const CallRow& row) {
    const Descriptor& request = *row.request->GetDescriptor();
    const auto* const method = method_of(row);
    const std::string text = method != nullptr ? comment(method->full_name()) : std::string();
    std::string title = text.substr(0, text.find("\n\n"));
    const std::string rest = title.size() == text.size() ? std::string() : text.substr(title.size() + 2);
    if (title.ends_with('.')) title.pop_back();
    if (title.empty()) title = row.name;
    std::string id(row.name);
    id.front() = static_cast<char>(id.front() | 0x20);

    json::object post{{"operationId", id}, {"tags", json::array{"messages"}}, {"summary", title}};
    if (!rest.empty()) post["description"] = rest;
    json::object get = post;
    json::array headers;
    if (service::idempotency_key_field(request) != nullptr) headers.push_back(ref("parameters", "Idempotency-Key"));
    headers.push_back(ref("parameters", "X-Request-Id"));
    headers.push_back(ref("parameters", "traceparent"));
    post["parameters"] = headers;
    post["requestBody"] = body(request);
    json::object answers{{"200", success(*row.answer->GetDescriptor())}};
    post["responses"] = answers = with(std::move(answers), responses(errors_of(row)));
    json::object operations;
    if (row.effect == Effect::kReads) {
      get["parameters"] = query(request);
      for (json::value& header : headers) get["parameters"].as_array().push_back(std::move(header));
      get["responses"] = answers;
      operations["get"] = std::move(get);
      post["operationId"] = id + "ByBody";
      post["summary"] = title + ", with the parameters in a body";
      post.erase("description");
    }
    operations["post"] = std::move(post);
    root_["paths"].as_object()[row.path] = std::move(operations);
  }

  /// The rpc of a call, in the file of its request.
  static const google::protobuf::MethodDescriptor* method_of(const CallRow& row) {
    const auto& file = *row.request->GetDescriptor()->file();
    for (int i = 0; i < file.service_count(); ++i) {
      if (const auto* const found = file.service(i)->FindMethodByName(std::string(row.name))) return found;
    }
    return nullptr;
  }

  const Comments& comments_;
  json::object root_;
  json::object hints_;
  std::set<ErrorCode> described_;
  std::set<std::string> requests_;
  std::set<std::string> named_;
};

/// The value that a parameter has in an example, as a query has it.
std::string query_text(const json::value& value) {
  return value.is_string() ? std::string(value.as_string()) : json::serialize(value);
}

json::object postman_item(std::string_view path, std::string_view method, const json::object& operation) {
  std::string upper(method);
  for (char& c : upper) c = static_cast<char>(c & ~0x20);
  json::array segments;
  for (std::string_view rest = path.substr(1);;) {
    const std::size_t end = rest.find('/');
    segments.emplace_back(rest.substr(0, end));
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  json::array query;
  std::string raw = fmt::format("{{{{baseUrl}}}}{}", path);
  if (operation.contains("parameters")) {
    for (const json::value& parameter : operation.at("parameters").as_array()) {
      const json::object& said = parameter.as_object();
      if (!said.contains("in") || said.at("in") != "query") continue;
      const bool shown = said.contains("example");
      const std::string value = shown ? query_text(said.at("example")) : std::string();
      if (shown) raw += fmt::format("{}{}={}", query.empty() ? '?' : '&', said.at("name").as_string().c_str(), value);
      json::object entry{{"key", said.at("name")}, {"value", value}, {"disabled", !shown}};
      if (said.contains("description")) entry["description"] = said.at("description");
      query.push_back(std::move(entry));
    }
  }
  json::object url{
      {"raw", raw}, {"host", json::array{"{{baseUrl}}"}}, {"path", std::move(segments)}, {"query", std::move(query)}};
  json::object request{{"method", upper}, {"header", json::array()}, {"url", std::move(url)}};
  if (operation.contains("description")) request["description"] = operation.at("description");
  if (operation.contains("requestBody")) {
    const json::object& media = operation.at("requestBody").at("content").at(kJsonType).as_object();
    request["header"].as_array().push_back({{"key", "Content-Type"}, {"value", kJsonType}});
    const json::value example = media.contains("example") ? media.at("example") : json::value(json::object());
    request["body"] = {
        {"mode", "raw"}, {"raw", json::serialize(example)}, {"options", {{"raw", {{"language", "json"}}}}}};
  }
  json::array exec = {"pm.test(\"the answer has an id\", () => pm.response.to.have.header(\"X-Request-Id\"));",
                      "pm.test(\"the status is 200\", () => pm.response.to.have.status(200));"};
  return {{"name", operation.at("summary")},
          {"request", std::move(request)},
          {"event",
           json::array{json::object{
               {"listen", "test"}, {"script", json::object{{"type", "text/javascript"}, {"exec", std::move(exec)}}}}}}};
}

}  // namespace

std::string openapi_document(std::string_view frame, const service::CallTable& calls, const Comments& comments) {
  return Document(frame, comments).make(calls);
}

std::string postman_collection(std::string_view openapi) {
  const json::value document = json::parse(openapi);
  json::array items;
  for (const auto& [path, operations] : document.at("paths").as_object()) {
    for (const auto& [method, operation] : operations.as_object()) {
      items.push_back(postman_item(path, method, operation.as_object()));
    }
  }
  return json::serialize(
      json::object{{"info",
                    {{"name", "Parley"},
                     {"description", "Every call of this server, once. The variable baseUrl is where it is."},
                     {"schema", "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"}}},
                   {"item", std::move(items)},
                   {"variable", json::array{json::object{{"key", "baseUrl"}, {"value", "http://127.0.0.1:8080"}}}}});
}

}  // namespace parley::api
