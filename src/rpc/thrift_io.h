// Thrift's protocol classes over fresh memory buffers. Private to the files that know the generated code.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <thrift/TConfiguration.h>
#include <thrift/protocol/TBinaryProtocol.h>
#include <thrift/protocol/TCompactProtocol.h>
#include <thrift/transport/TBufferTransports.h>

#include "rpc/payload.h"

namespace parley::rpc {

using apache::thrift::TConfiguration;
using apache::thrift::protocol::TBinaryProtocolT;
using apache::thrift::protocol::TCompactProtocolT;
using apache::thrift::protocol::TMessageType;
using apache::thrift::protocol::TNetworkBigEndian;
using apache::thrift::protocol::TProtocol;
using apache::thrift::transport::TMemoryBuffer;

/// The limits of every message, one object a thread so that its count of users is not fought over.
inline const std::shared_ptr<TConfiguration>& thrift_limits() {
  constexpr int kDepth = 32;
  thread_local const auto limits = [] {
    auto made = std::make_shared<TConfiguration>();
    made->setRecursionLimit(kDepth);
    return made;
  }();
  return limits;
}

/// Calls `read(protocol)` with a protocol that reads `message`, and returns what that does. Throws what it throws:
/// apache::thrift::TException where the message cannot be read.
template <class Read>
auto read_message(std::string_view message, Protocol protocol, Read read) {
  // Reading, the buffer leaves its bytes alone.
  auto* const bytes = const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(message.data()));
  const auto size = static_cast<std::uint32_t>(message.size());
  const auto buffer = std::make_shared<TMemoryBuffer>(bytes, size, TMemoryBuffer::OBSERVE, thrift_limits());
  // What is announced must fit in the message; of empty structs, which take a byte each, more than this is nonsense.
  constexpr std::int32_t kMaxElements = 1 << 16;
  const auto strings = static_cast<std::int32_t>(std::max<std::size_t>(message.size(), 1));  // 0 would be no limit
  const std::int32_t elements = std::min(strings, kMaxElements);
  if (protocol == Protocol::kCompact) {
    TCompactProtocolT<TMemoryBuffer> compact(buffer, strings, elements);
    return read(static_cast<TProtocol&>(compact));
  }
  TBinaryProtocolT<TMemoryBuffer, TNetworkBigEndian> binary(buffer, strings, elements, true, true);
  return read(static_cast<TProtocol&>(binary));
}

/// A whole message; `Body` is a generated struct or an exception.
template <class Body>
std::string write_message(Protocol protocol, const std::string& method, TMessageType type, std::int32_t sequence_id,
                          const Body& body) {
  const auto buffer = std::make_shared<TMemoryBuffer>(thrift_limits());
  const auto write = [&](TProtocol& out) {
    out.writeMessageBegin(method, type, sequence_id);
    body.write(&out);
    out.writeMessageEnd();
  };
  if (protocol == Protocol::kCompact) {
    TCompactProtocolT<TMemoryBuffer> compact(buffer);
    write(compact);
  } else {
    TBinaryProtocolT<TMemoryBuffer, TNetworkBigEndian> binary(buffer);
    write(binary);
  }
  return buffer->getBufferAsString();
}

}  // namespace parley::rpc
