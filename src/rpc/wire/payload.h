// What a frame carries: one Thrift message, in one of two protocols, in a TTHeader maybe with a frame of its own.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace parley::rpc {

/// How a Thrift message is encoded.
enum class Protocol : std::uint8_t {
  kBinary,   ///< strict: it begins with 80 01
  kCompact,  ///< it begins with 82
};

/// The protocol that a message with these first bytes speaks; nothing where it is neither, or they are fewer than two.
[[nodiscard]] std::optional<Protocol> protocol_of(std::string_view bytes) noexcept;

struct Payload {
  Protocol protocol = Protocol::kBinary;
  bool framed = false;  ///< a 4-byte length stood before the message
  std::string_view message;

  friend bool operator==(const Payload&, const Payload&) = default;
};

/// What is in `bytes`, all that follow a TTHeader; the message is a part of them. Nothing where that is no message.
[[nodiscard]] std::optional<Payload> parse_payload(std::string_view bytes) noexcept;

}  // namespace parley::rpc
