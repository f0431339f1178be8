#include "base/request_ids.h"

#include <algorithm>
#include <charconv>
#include <cstddef>

#include "base/random_id.h"

namespace parley {

bool is_usable_request_id(std::string_view id) noexcept {
  return !id.empty() && id.size() <= 128 &&
         std::ranges::all_of(id, [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\\'; });
}

RequestIds::RequestIds() : prefix_(random_id(6) + '-') {}

std::string_view RequestIds::next(Place& place) noexcept {
  char* const end = std::ranges::copy(prefix_, place.data()).out;
  const auto written = std::to_chars(end, place.data() + place.size(), ++count_, 16);
  return {place.data(), static_cast<std::size_t>(written.ptr - place.data())};
}

}  // namespace parley
