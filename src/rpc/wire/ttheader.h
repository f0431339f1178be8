// TTHeader frames: a Thrift message with a sequence id and headers before it, as Kitex speaks them.
//
//     LENGTH u32 of all that follows | 10 00 | FLAGS u16 | SEQUENCE ID u32 | HEADER SIZE u16 in words of 4 bytes |
//     header: PROTOCOL ID u8, TRANSFORMS u8 = 0, infos, padding with 0 | payload
//
// An info is 01 and string keys, 10 and integer keys, 11 and a token. From Kitex' "Transport Protocol TTHeader" page
// and its pkg/remote/codec/header_codec.go.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace parley::rpc {

/// Frames of every kind stay under this: the first byte of their length is 0.
inline constexpr std::size_t kMaxFrame = (std::size_t{16} << 20) - 1;

/// What FLAGS may have: the client matches answers by sequence id, whatever else comes between.
inline constexpr std::uint16_t kOutOfOrderFlag = 0x01;

/// What PROTOCOL ID may be.
inline constexpr std::uint8_t kThriftBinaryId = 0;
inline constexpr std::uint8_t kThriftCompactId = 2;

// Keys of headers (Kitex' pkg/remote/transmeta/metakey.go).
inline constexpr std::uint16_t kLogIdKey = 2;        ///< the request's id, for logs
inline constexpr std::uint16_t kRpcTimeoutKey = 12;  ///< milliseconds for the whole call, in decimal
inline constexpr std::uint16_t kMsgTypeKey = 22;     ///< the type of the Thrift message, in decimal
/// "1" in an answer, or in a frame of sequence id 0 without a message: the server will close this connection.
inline constexpr std::string_view kReadyToResetKey = "crrst";
/// The W3C traceparent, where Kitex' OpenTelemetry suite puts it and looks for it: in metainfo's transient values.
inline constexpr std::string_view kTraceparentKey = "RPC_TRANSIT_traceparent";

/// A frame taken apart. All views are into the frame.
struct TTHeader {
  std::uint16_t flags = 0;
  std::int32_t sequence_id = 0;
  std::uint8_t protocol_id = kThriftBinaryId;
  std::string_view infos;    ///< well-formed
  std::string_view payload;  ///< see parse_payload()

  // The value under a key; the last one where it is there more than once.
  [[nodiscard]] std::optional<std::string_view> find(std::uint16_t key) const noexcept;
  [[nodiscard]] std::optional<std::string_view> find(std::string_view key) const noexcept;
};

/// Whether a frame that begins with these bytes (at least 6 are needed to say so) is a TTHeader frame.
[[nodiscard]] bool is_ttheader(std::string_view bytes) noexcept;

/// Takes apart a whole frame, its length included. Nothing is allocated. kMalformedRequest: a size that does not fit,
/// a header over 64 KiB, an info of an unknown kind, or transforms, of which none is supported.
[[nodiscard]] Result<TTHeader> decode_ttheader(std::string_view frame);

/// What to put before a payload.
struct TTHeaderFields {
  std::uint16_t flags = 0;
  std::int32_t sequence_id = 0;
  std::uint8_t protocol_id = kThriftBinaryId;
  std::span<const std::pair<std::uint16_t, std::string_view>> ints{};
  std::span<const std::pair<std::string_view, std::string_view>> strings{};
};

/// Appends a whole frame. The keys and values together must stay under 60 KiB, the frame under kMaxFrame.
void append_ttheader(std::string& out, const TTHeaderFields& fields, std::string_view payload);

}  // namespace parley::rpc
