#include "base/trace_context.h"

#include <algorithm>
#include <cstddef>

namespace parley {
namespace {

// VERSION-TRACE-PARENT-FLAGS, of which a later version may have more behind another dash.
constexpr std::size_t kVersionSize = 2;
constexpr std::size_t kTraceAt = 3;
constexpr std::size_t kTraceSize = 32;
constexpr std::size_t kParentAt = 36;
constexpr std::size_t kParentSize = 16;
constexpr std::size_t kFlagsAt = 53;
constexpr std::size_t kSize = 55;
constexpr std::size_t kMaxSize = 128;

bool is_hex(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

/// Zeros are nobody's id.
bool is_id(std::string_view text) noexcept {
  return is_hex(text) && text.find_first_not_of('0') != std::string_view::npos;
}

bool is_visible(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

bool is_traceparent(std::string_view text) noexcept {
  if (text.size() < kSize || text.size() > kMaxSize) return false;
  const std::string_view version = text.substr(0, kVersionSize);
  if (!is_hex(version) || version == "ff") return false;
  if (text[kTraceAt - 1] != '-' || text[kParentAt - 1] != '-' || text[kFlagsAt - 1] != '-') return false;
  const std::string_view rest = text.substr(kSize);
  if (!rest.empty() && (version == "00" || rest.front() != '-' || !is_visible(rest))) return false;
  return is_id(text.substr(kTraceAt, kTraceSize)) && is_id(text.substr(kParentAt, kParentSize)) &&
         is_hex(text.substr(kFlagsAt, kSize - kFlagsAt));
}

LogField trace_field(std::string_view traceparent) noexcept {
  if (traceparent.empty()) return {};
  return {"trace_id", traceparent.substr(kTraceAt, kTraceSize)};
}

}  // namespace parley
