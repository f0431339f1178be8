// Which encoding a body is in, and which one the client wants back.
#pragma once

#include <span>
#include <string_view>

#include "http/wire/message.h"

namespace parley::api {

inline constexpr std::string_view kJsonType = "application/json";
inline constexpr std::string_view kFormType = "application/x-www-form-urlencoded";
inline constexpr std::string_view kProtobufType = "application/x-protobuf";
inline constexpr std::string_view kProtobufAlias = "application/protobuf";

enum class BodyType { kJson, kForm, kProtobuf, kUnsupported };

/// What Content-Type says (RFC 9110 §8.3): in any case, whatever the parameters. JSON where it is empty.
[[nodiscard]] BodyType body_type(std::string_view content_type) noexcept;

/// The one of kJsonType, kProtobufType and kProtobufAlias that the Accept fields among `headers` prefer (RFC 9110
/// §12.5.1): the most specific range that matches gives a type its weight, the highest weight wins, and of equal ones
/// the first in that order. JSON too where nothing matches. A range that cannot be read is skipped; parameters other
/// than q do not matter.
[[nodiscard]] std::string_view preferred_type(std::span<const http::Header> headers) noexcept;

}  // namespace parley::api
