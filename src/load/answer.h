// What an answer to a request of the load generator says, read with as little work as can be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace parley::load {

/// The head of an HTTP/1.1 answer.
struct AnswerHead {
  std::size_t size = 0;  ///< bytes up to the body
  unsigned status = 0;
  std::optional<std::size_t> content_length{};
  bool close = false;             ///< the connection ends behind it
  std::string_view code{};        ///< Parley-Code
  std::string_view durability{};  ///< Parley-Durability
};

/// The head that `input` begins with; nothing while it is not whole. One that is no HTTP has the status 0.
[[nodiscard]] std::optional<AnswerHead> read_head(std::string_view input);

/// The number of the last member `name` in a JSON text that a Parley wrote (no white space between its tokens).
[[nodiscard]] std::optional<std::int64_t> last_number(std::string_view json, std::string_view name);

/// The times of the messages of a page, in their order; the page as last_number() takes it.
[[nodiscard]] std::vector<std::int64_t> send_times(std::string_view page);

}  // namespace parley::load
