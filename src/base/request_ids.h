// The ids that requests go by in logs and answers.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace parley {

/// Whether an id that a client gave can go into logs and answers as it is: 1 to 128 visible ASCII characters, no quotes
/// or backslashes.
[[nodiscard]] bool is_usable_request_id(std::string_view id) noexcept;

/// Makes ids. One thread.
class RequestIds {
 public:
  RequestIds();

  /// An id that no other request has had, in `place`.
  using Place = std::array<char, 32>;
  [[nodiscard]] std::string_view next(Place& place) noexcept;

 private:
  std::string prefix_;
  std::uint64_t count_ = 0;
};

}  // namespace parley
