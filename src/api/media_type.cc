#include "api/media_type.h"

#include <array>
#include <cstddef>
#include <optional>

#include <boost/beast/core/string.hpp>

namespace parley::api {
namespace {

using boost::beast::iequals;

std::string_view trim(std::string_view text) noexcept {
  constexpr std::string_view kSpace = " \t";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

/// Takes what stands before the next `separator` outside a quoted string off the front of `rest`.
std::string_view take_until(char separator, std::string_view& rest) noexcept {
  bool quoted = false;
  std::size_t i = 0;
  for (; i < rest.size() && (quoted || rest[i] != separator); ++i) {
    if (rest[i] == '"') quoted = !quoted;
    if (quoted && rest[i] == '\\') ++i;
  }
  const std::string_view taken = rest.substr(0, i);
  rest.remove_prefix(i < rest.size() ? i + 1 : rest.size());
  return trim(taken);
}

/// Thousandths, from "0", "0.5", "1.000": RFC 9110 §12.4.2.
std::optional<int> parse_weight(std::string_view text) noexcept {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int weight = (text[0] - '0') * 1000;
  int unit = 100;
  for (const char digit : text.substr(text.size() > 1 ? 2 : 1)) {
    if (digit < '0' || digit > '9') return std::nullopt;
    weight += (digit - '0') * unit;
    unit /= 10;
  }
  if (weight > 1000) return std::nullopt;
  return weight;
}

/// The q among a range's `parameters`; 1 where there is none, nothing where it cannot be read.
std::optional<int> weight_of(std::string_view parameters) noexcept {
  while (!parameters.empty()) {
    const std::string_view parameter = take_until(';', parameters);
    if (parameter.size() >= 2 && iequals(parameter.substr(0, 2), "q=")) return parse_weight(parameter.substr(2));
  }
  return 1000;
}

/// How closely `range` fits `type`: 3 exactly, 2 its major type, 1 anything, 0 not at all.
int specificity(std::string_view range, std::string_view type) noexcept {
  if (iequals(range, type)) return 3;
  if (range == "*/*") return 1;
  const std::string_view major = type.substr(0, type.find('/') + 1);
  const bool is_major_range = range.size() == major.size() + 1 && range.back() == '*';
  return is_major_range && iequals(range.substr(0, major.size()), major) ? 2 : 0;
}

/// A type that can be answered, with the weight of the most specific range so far.
struct Candidate {
  std::string_view type;
  int specificity = 0;
  int weight = 0;
};

void weigh(std::string_view accept, std::span<Candidate> candidates) noexcept {
  while (!accept.empty()) {
    std::string_view parameters = take_until(',', accept);
    const std::string_view range = take_until(';', parameters);
    const auto weight = weight_of(parameters);
    if (!weight) continue;
    for (Candidate& candidate : candidates) {
      const int fit = specificity(range, candidate.type);
      if (fit <= candidate.specificity) continue;
      candidate.specificity = fit;
      candidate.weight = *weight;
    }
  }
}

}  // namespace

BodyType body_type(std::string_view content_type) noexcept {
  if (content_type == kJsonType) return BodyType::kJson;  // of nearly all requests
  if (trim(content_type).empty()) return BodyType::kJson;
  const std::string_view type = take_until(';', content_type);
  if (iequals(type, kJsonType)) return BodyType::kJson;
  if (iequals(type, kFormType)) return BodyType::kForm;
  if (iequals(type, kProtobufType) || iequals(type, kProtobufAlias)) return BodyType::kProtobuf;
  return BodyType::kUnsupported;
}

std::string_view preferred_type(std::span<const http::Header> headers) noexcept {
  std::array candidates = {Candidate{kJsonType}, Candidate{kProtobufType}, Candidate{kProtobufAlias}};
  for (const http::Header& header : headers) {
    if (iequals(header.name, "Accept")) weigh(header.value, candidates);
  }
  const Candidate* best = &candidates[0];
  for (const Candidate& candidate : candidates) {
    if (candidate.weight > best->weight) best = &candidate;
  }
  return best->type;
}

}  // namespace parley::api
