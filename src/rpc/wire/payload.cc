#include "rpc/wire/payload.h"

#include <cstddef>

#include "rpc/wire/big_endian.h"

namespace parley::rpc {
namespace {

constexpr std::size_t kLengthSize = 4;

}  // namespace

std::optional<Protocol> protocol_of(std::string_view bytes) noexcept {
  if (bytes.starts_with("\x80\x01")) return Protocol::kBinary;
  if (bytes.size() >= 2 && bytes.starts_with('\x82')) return Protocol::kCompact;
  return std::nullopt;
}

std::optional<Payload> parse_payload(std::string_view bytes) noexcept {
  if (const auto protocol = protocol_of(bytes)) return Payload{*protocol, false, bytes};
  if (bytes.size() < kLengthSize || load_u32(bytes) != bytes.size() - kLengthSize) return std::nullopt;
  bytes.remove_prefix(kLengthSize);
  const auto protocol = protocol_of(bytes);
  if (!protocol) return std::nullopt;
  return Payload{*protocol, true, bytes};
}

}  // namespace parley::rpc
