// Runs the JSON parser over a body and says in words why it cannot be read. Private to the readers.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <boost/json/basic_parser_impl.hpp>

#include "api/json_reader.h"
#include "base/error.h"

namespace parley::api {

/// What the parser calls as it goes, for a handler to build upon.
struct JsonHandler {
  using Ec = boost::json::error_code;
  using View = boost::json::string_view;

  // The names are the library's. The body has been bounded already.
  // NOLINTBEGIN(readability-identifier-naming)
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);
  // NOLINTEND(readability-identifier-naming)

  bool on_document_begin(Ec&) { return true; }
  bool on_document_end(Ec&) { return true; }
  bool on_number_part(View, Ec&) { return true; }
  bool on_comment_part(View, Ec&) { return true; }
  bool on_comment(View, Ec&) { return true; }

  /// Stops the parser if `result` is a failure.
  bool take(Result<void> result, Ec& ec) {
    if (result) return true;
    error = std::move(result.error());
    ec = boost::json::error::exception;  // only stops the parser
    return false;
  }

  std::optional<Error> error;  ///< what the handler itself refused
};

/// Why `text` is not JSON, at which the parser gave up at `stop`.
[[nodiscard]] std::unexpected<Error> explain_json(std::string_view text, std::size_t stop,
                                                  const boost::json::error_code& ec);

/// Parses `text`, one JSON value, by a `Handler` made of `arguments`.
template <class Handler, class... Arguments>
Result<void> parse_json(std::string_view text, Arguments&&... arguments) {
  boost::json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  boost::json::basic_parser<Handler> parser(options, std::forward<Arguments>(arguments)...);
  boost::json::error_code ec;
  const std::size_t read = parser.write_some(false, text.data(), text.size(), ec);
  if (parser.handler().error) return std::unexpected(std::move(*parser.handler().error));
  if (ec || read != text.size()) return explain_json(text, read, ec);
  return {};
}

}  // namespace parley::api
