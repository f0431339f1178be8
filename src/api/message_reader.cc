#include "api/message_reader.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include <boost/beast/core/string.hpp>
#include <fmt/format.h>
#include <google/protobuf/message.h>
#include <utf8.h>

#include "api/fields.h"
#include "api/form.h"
#include "api/json_parser.h"
#include "base/parse_number.h"
#include "service/protobuf.h"

namespace parley::api {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using service::is_message;
using service::Protobuf;

/// A field of a message.
struct Place {
  Protobuf* message = nullptr;
  const FieldDescriptor* field = nullptr;
};

std::unexpected<Error> wrong_type(const Place& place, std::string_view path) {
  std::string_view type;
  switch (place.field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING: type = "a string"; break;
    case FieldDescriptor::CPPTYPE_INT64: type = "a 64-bit integer"; break;
    case FieldDescriptor::CPPTYPE_INT32: type = "a 32-bit integer"; break;
    case FieldDescriptor::CPPTYPE_BOOL: type = "a boolean"; break;
    default: type = "an object"; break;  // a CallTable has no other fields
  }
  return fail(ErrorCode::kMalformedRequest, fmt::format("{} is not {}", path, type));
}

/// Sets a scalar, or adds it to a list. The value's own type says which field takes it.
/// `path()` names it in an error.
template <class Value, class Path>
Result<void> store(const Place& place, const Path& path, Value value) {
  const auto* const reflection = place.message->GetReflection();
  const FieldDescriptor& field = *place.field;
  const bool repeated = field.is_repeated();
  if constexpr (std::is_same_v<Value, std::string>) {
    if (field.cpp_type() != FieldDescriptor::CPPTYPE_STRING) {
      const auto integer = parse_number<std::int64_t>(value);
      if (!integer) return wrong_type(place, path());
      return store(place, path, *integer);
    }
    repeated ? reflection->AddString(place.message, &field, std::move(value))
             : reflection->SetString(place.message, &field, std::move(value));
  } else if constexpr (std::is_same_v<Value, bool>) {
    if (field.cpp_type() != FieldDescriptor::CPPTYPE_BOOL) return wrong_type(place, path());
    repeated ? reflection->AddBool(place.message, &field, value) : reflection->SetBool(place.message, &field, value);
  } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_INT64) {
    repeated ? reflection->AddInt64(place.message, &field, value) : reflection->SetInt64(place.message, &field, value);
  } else {
    if (field.cpp_type() != FieldDescriptor::CPPTYPE_INT32 || !std::in_range<std::int32_t>(value)) {
      return wrong_type(place, path());
    }
    const auto narrow = static_cast<std::int32_t>(value);
    repeated ? reflection->AddInt32(place.message, &field, narrow)
             : reflection->SetInt32(place.message, &field, narrow);
  }
  return {};
}

/// The message that a value of this field goes into: a new element, or the field itself, emptied.
Protobuf& open(const Place& place) {
  const auto* const reflection = place.message->GetReflection();
  if (place.field->is_repeated()) return *reflection->AddMessage(place.message, place.field);
  Protobuf& opened = *reflection->MutableMessage(place.message, place.field);
  opened.Clear();
  return opened;
}

/// Sets a message as the parser goes. What no field takes is skipped: `skipped_` counts the objects and lists that it
/// is inside of then.
class MessageHandler : public JsonHandler {
 public:
  /// `path` names the message in errors; empty: it is the request. `given`: of its fields.
  MessageHandler(Protobuf& message, std::string path, Given* given, std::size_t& items)
      : root_(message), root_path_(std::move(path)), given_(given), items_(items) {}

  bool on_object_begin(Ec& ec) {
    if (levels_.empty()) {
      levels_.push_back({{&root_, nullptr}, false, 0});
      return true;
    }
    if (skips()) return skip();
    if (!begin_value(ec)) return false;
    if (!is_message(*level().place.field)) return take(wrong_type(level().place, path()), ec);
    levels_.push_back({{&open(level().place), nullptr}, false, 0});
    return true;
  }
  bool on_object_end(std::size_t, Ec&) { return leave(); }
  bool on_array_begin(Ec& ec) {
    if (levels_.empty()) return no_object(ec);
    if (skips()) return skip();
    if (!level().place.field->is_repeated() || level().is_list) {
      return take(wrong_type(level().place, path()), ec);  // a list in a list, too
    }
    mark_given();
    levels_.push_back({level().place, true, 0});
    return true;
  }
  bool on_array_end(std::size_t, Ec&) { return leave(); }

  bool on_key_part(View part, std::size_t, Ec&) {
    if (!skips_all()) text_.append(part);
    return true;
  }
  bool on_key(View part, std::size_t, Ec&) {
    if (skips_all()) return true;
    text_.append(part);
    level().place.field = find(*level().place.message->GetDescriptor(), text_);
    text_.clear();
    return true;
  }

  bool on_string_part(View part, std::size_t, Ec&) {
    if (!levels_.empty() && !skips()) text_.append(part);
    return true;
  }
  bool on_string(View part, std::size_t, Ec& ec) {
    if (levels_.empty()) return no_object(ec);
    if (skips()) return true;
    text_.append(part);
    return scalar(std::exchange(text_, {}), ec);
  }

  bool on_int64(std::int64_t value, View, Ec& ec) { return scalar(value, ec); }
  bool on_uint64(std::uint64_t, View, Ec& ec) { return refuse(ec); }  // only for what int64 cannot hold
  bool on_double(double, View, Ec& ec) { return refuse(ec); }
  bool on_bool(bool value, Ec& ec) { return scalar(value, ec); }
  bool on_null(Ec& ec) { return levels_.empty() ? no_object(ec) : true; }

 private:
  /// An object, whose `place` is that of the value that comes next, or a list, whose place is its own.
  struct Level {
    Place place;
    bool is_list;
    std::size_t items;
  };

  static const FieldDescriptor* find(const Descriptor& type, std::string_view name) {
    for (int i = 0; i < type.field_count(); ++i) {
      if (boost::beast::iequals(type.field(i)->name(), name)) return type.field(i);
    }
    return nullptr;
  }

  [[nodiscard]] Level& level() noexcept { return levels_.back(); }
  [[nodiscard]] bool skips_all() const noexcept { return skipped_ > 0; }
  /// Whether the value that comes is no field's.
  [[nodiscard]] bool skips() const noexcept { return skipped_ > 0 || levels_.back().place.field == nullptr; }
  bool skip() noexcept {
    ++skipped_;
    return true;
  }
  bool leave() noexcept {
    skipped_ > 0 ? static_cast<void>(--skipped_) : levels_.pop_back();
    return true;
  }

  bool no_object(Ec& ec) {
    return take(fail(ErrorCode::kMalformedRequest, root_path_.empty() ? std::string("the JSON body is not an object")
                                                                      : fmt::format("{} is not an object", root_path_)),
                ec);
  }

  void mark_given() {
    if (given_ != nullptr && levels_.size() == 1)
      (*given_)[static_cast<std::size_t>(level().place.field->index())] = true;
  }

  /// A value of the field that comes next: of a list an element, and else the whole.
  bool begin_value(Ec& ec) {
    if (level().is_list) {
      ++level().items;
      return take(service::check_list_items(++items_), ec);
    }
    if (level().place.field->is_repeated()) {
      return take(fail(ErrorCode::kMalformedRequest, fmt::format("{} is not a list", path())), ec);
    }
    mark_given();
    return true;
  }

  template <class Value>
  bool scalar(Value value, Ec& ec) {
    if (levels_.empty()) return no_object(ec);
    if (skips()) return true;
    if (!begin_value(ec)) return false;
    if (is_message(*level().place.field)) return take(wrong_type(level().place, path()), ec);
    return take(store(level().place, [this] { return path(); }, std::move(value)), ec);
  }
  bool refuse(Ec& ec) {
    if (levels_.empty()) return no_object(ec);
    if (skips()) return true;
    return begin_value(ec) && take(wrong_type(level().place, path()), ec);
  }

  /// Where reading is, as in `members[2].user`.
  [[nodiscard]] std::string path() const {
    std::string out = root_path_;
    for (const Level& each : levels_) {
      if (each.is_list) {
        out += fmt::format("[{}]", each.items == 0 ? 0 : each.items - 1);
      } else if (each.place.field != nullptr) {
        if (!out.empty()) out += '.';
        out += each.place.field->name();
      }
    }
    return out;
  }

  Protobuf& root_;
  const std::string root_path_;
  Given* const given_;
  std::size_t& items_;  // elements of lists that have been read, of the whole request
  std::vector<Level> levels_;
  std::size_t skipped_ = 0;
  std::string text_;  // of a name or a string that comes in parts
};

std::string_view own_name(std::string_view path) {
  path = path.substr(path.find_last_of('.') + 1);
  return path.substr(0, path.find('['));
}

/// Sets a field, or adds to it, from the decoded value of a form.
Result<void> set_text(const Place& place, std::string text, std::size_t& items) {
  const FieldDescriptor& field = *place.field;
  const auto name = [&field]() -> const std::string& { return field.name(); };
  if (field.is_repeated()) {
    if (auto added = service::check_list_items(++items); !added) return added;
  }
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_MESSAGE: {
      auto read = parse_json<MessageHandler>(text, open(place), field.name(), nullptr, items);
      if (!read && !read.error().detail.contains(field.name())) {  // it is no JSON at all
        read.error().detail = fmt::format("{}: {}", field.name(), read.error().detail);
      }
      return read;
    }
    case FieldDescriptor::CPPTYPE_BOOL: {
      const auto boolean = parse_bool(text);
      if (!boolean) return wrong_type(place, field.name());
      return store(place, name, *boolean);
    }
    case FieldDescriptor::CPPTYPE_STRING:
      if (!utf8::is_valid(text.begin(), text.end())) return not_utf8(field.name());
      [[fallthrough]];
    default: return store(place, name, std::move(text));
  }
}

}  // namespace

std::unexpected<Error> not_utf8(std::string_view name) {
  const ErrorInfo* const own = error_named(fmt::format("invalid_{}", own_name(name)));
  return fail(own != nullptr ? own->code : ErrorCode::kInvalidField, fmt::format("{} is not UTF-8", name));
}

Result<void> read_json(std::string_view text, Protobuf& message, Given& given) {
  std::size_t items = 0;
  return parse_json<MessageHandler>(text, message, std::string(), &given, items);
}

Result<void> read_form(std::string_view form, Protobuf& message, Given& given) {
  if (auto whole = check_percents(form); !whole) return whole;
  const Descriptor& type = *message.GetDescriptor();
  std::vector<std::vector<std::string_view>> values(static_cast<std::size_t>(type.field_count()));
  for_each_pair(form, [&](std::string_view name, std::string_view value) {
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor& field = *type.field(i);
      if (!spells(name, field.name())) continue;
      const bool empty_counts = field.cpp_type() == FieldDescriptor::CPPTYPE_STRING && !field.is_repeated();
      if (value.empty() && !empty_counts) return;
      auto& kept = values[static_cast<std::size_t>(i)];
      if (!field.is_repeated()) kept.clear();
      kept.push_back(value);
      return;
    }
  });
  std::size_t items = 0;
  for (int i = 0; i < type.field_count(); ++i) {
    const auto place = static_cast<std::size_t>(i);
    if (given[place]) continue;
    for (const std::string_view value : values[place]) {
      if (auto set = set_text({&message, type.field(i)}, decode_form(value), items); !set) return set;
      given[place] = true;
    }
  }
  return {};
}

}  // namespace parley::api
