// The message of any call, out of JSON, forms and query strings, by its descriptor.
#pragma once

#include <string_view>
#include <vector>

#include "base/error.h"
#include "service/message_service.h"

namespace parley::api {

/// Which fields of a message have been given a value so far, by their place in its descriptor.
using Given = std::vector<bool>;

// Both read as json_reader.h and form.h say, and mark what they set in `given`, which has a place for each field. Every
// value of a list counts. Errors name the field by its path, as in `members[2].user`. More than kMaxListItems elements
// in all lists together are kMalformedRequest.

/// Also: null in a list is skipped, and an object or list goes to a field that is one.
[[nodiscard]] Result<void> read_json(std::string_view text, service::Protobuf& message, Given& given);

/// Leaves alone what is given already. The value of a field that is a message is its JSON object; an empty one is none,
/// and an empty element of a list is none. A string that is not UTF-8 is the field's own error: the row of the error
/// table that is named after it, such as kInvalidChat, or else kInvalidField.
[[nodiscard]] Result<void> read_form(std::string_view form, service::Protobuf& message, Given& given);

/// The failure of a string of the field `name` that is not UTF-8.
[[nodiscard]] std::unexpected<Error> not_utf8(std::string_view name);

}  // namespace parley::api
