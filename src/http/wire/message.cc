#include "http/wire/message.h"

#include <ranges>

#include <boost/beast/core/string.hpp>

namespace parley::http {

const std::string_view* Request::header(std::string_view name) const noexcept {
  for (const Header& header : std::views::reverse(headers)) {
    if (boost::beast::iequals(header.name, name)) return &header.value;
  }
  return nullptr;
}

}  // namespace parley::http
