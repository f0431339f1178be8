#include "api/json_reader.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include <boost/beast/core/string.hpp>
#include <fmt/format.h>
#include <utf8.h>

#include "api/json_parser.h"

namespace parley::api {
namespace {

namespace json = boost::json;

/// What the parser calls as it goes. Only members of the outermost object are looked at: `field_` is the known one
/// whose value comes next, and null inside everything else.
class FieldHandler : public JsonHandler {
 public:
  explicit FieldHandler(std::span<Field> fields) : fields_(fields) {
    for (const Field& field : fields) longest_name_ = std::max(longest_name_, field.name.size());
  }

  bool on_object_begin(Ec& ec) {
    if (depth_ > 0 && !skip_container(ec)) return false;
    ++depth_;
    return true;
  }
  bool on_object_end(std::size_t, Ec&) { return leave(); }
  bool on_array_begin(Ec& ec) {
    if (!skip_container(ec)) return false;
    ++depth_;
    return true;
  }
  bool on_array_end(std::size_t, Ec&) { return leave(); }

  bool on_key_part(View part, std::size_t size, Ec&) {
    // A name longer than any of ours need not be kept.
    if (size <= longest_name_) text_.append(part);
    return true;
  }
  bool on_key(View part, std::size_t size, Ec&) {
    if (!text_.empty()) part = text_.append(part);
    if (depth_ == 1) field_ = size > longest_name_ ? nullptr : find(part);
    text_.clear();
    return true;
  }

  bool on_string_part(View part, std::size_t, Ec&) {
    if (field_ != nullptr) text_.append(part);
    return true;
  }
  bool on_string(View part, std::size_t, Ec& ec) {
    if (field_ == nullptr) return scalar(ec);
    if (text_.empty()) return take(set_string(*field_, std::string(part)), ec);
    text_.append(part);
    return take(set_string(*field_, std::exchange(text_, {})), ec);
  }

  bool on_int64(std::int64_t value, View, Ec& ec) {
    return field_ == nullptr ? scalar(ec) : take(set_integer(*field_, value), ec);
  }
  bool on_uint64(std::uint64_t, View, Ec& ec) { return refuse(ec); }  // only for what int64 cannot hold
  bool on_double(double, View, Ec& ec) { return refuse(ec); }
  bool on_bool(bool value, Ec& ec) { return field_ == nullptr ? scalar(ec) : take(set_bool(*field_, value), ec); }
  bool on_null(Ec& ec) { return scalar(ec); }

 private:
  [[nodiscard]] Field* find(std::string_view name) const noexcept {
    for (Field& field : fields_) {
      if (boost::beast::iequals(field.name, name)) return &field;
    }
    return nullptr;
  }

  /// A value that sets nothing: fine inside the object, not in its place.
  bool scalar(Ec& ec) {
    if (depth_ > 0) return true;
    return take(fail(ErrorCode::kMalformedRequest, "the JSON body is not an object"), ec);
  }
  /// A value that no field takes.
  bool refuse(Ec& ec) { return field_ == nullptr ? scalar(ec) : take(wrong_type(*field_), ec); }
  bool skip_container(Ec& ec) { return refuse(ec); }
  bool leave() noexcept {
    --depth_;
    return true;
  }

  std::span<Field> fields_;
  std::size_t longest_name_ = 0;
  Field* field_ = nullptr;
  std::size_t depth_ = 0;
  std::string text_;  // of a name or a string that comes in parts
};

std::unexpected<Error> unreadable(std::string why) {
  return fail(ErrorCode::kMalformedRequest, "the body is not JSON: " + std::move(why));
}

/// Where in `text`, which the parser gave up at `stop`, stands a \u escape that is half of a surrogate pair; or npos.
std::size_t find_lone_surrogate(std::string_view text, std::size_t stop, const json::error_code& ec) {
  const std::size_t at = text.substr(0, stop + 1).rfind("\\u");
  if (at == std::string_view::npos) return at;
  if (ec == json::error::illegal_leading_surrogate || ec == json::error::illegal_trailing_surrogate) return at;
  // To the parser, a first half without a second is any syntax error: right behind it, or behind one more backslash.
  const std::string_view escape = text.substr(at, 6);
  const bool is_first_half =
      escape.size() == 6 && (escape[2] == 'd' || escape[2] == 'D') && std::string_view("89abAB").contains(escape[3]);
  return is_first_half && stop >= at + 6 && stop <= at + 7 ? at : std::string_view::npos;
}

}  // namespace

std::unexpected<Error> explain_json(std::string_view text, std::size_t stop, const json::error_code& ec) {
  if (!ec) return unreadable(fmt::format("something follows it at byte {}", stop + 1));
  const auto place = [](std::size_t index) { return fmt::format("byte {}", index + 1); };
  const auto invalid = static_cast<std::size_t>(utf8::find_invalid(text.begin(), text.end()) - text.begin());
  if (invalid < text.size() && invalid <= stop) {
    return unreadable(fmt::format("{} is not UTF-8", place(invalid)));
  }
  if (const std::size_t lone = find_lone_surrogate(text, stop, ec); lone != std::string_view::npos) {
    return unreadable(fmt::format("the \\u escape at {} is half of a surrogate pair", place(lone)));
  }
  if (ec == json::error::incomplete) return unreadable(fmt::format("it ends too early, after {} bytes", text.size()));
  if (ec == json::error::too_deep) {
    return unreadable(
        fmt::format("more than {} objects and arrays are inside each other at {}", kMaxJsonDepth, place(stop)));
  }
  return unreadable(fmt::format("{} at {}", ec.message(), place(stop)));
}

Result<void> read_json(std::string_view text, std::span<Field> fields) {
  return parse_json<FieldHandler>(text, fields);
}

}  // namespace parley::api
