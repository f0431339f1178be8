// Maps by name that are asked by a view of one.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

namespace parley {

/// Of a std::string key; with std::equal_to<>, find() takes a std::string_view.
struct NameHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view name) const noexcept { return std::hash<std::string_view>{}(name); }
};

}  // namespace parley
