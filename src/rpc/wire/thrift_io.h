// Thrift's protocol classes over memory. Private to the files that know the generated code.
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
#include <thrift/transport/TTransportException.h>
#include <thrift/transport/TVirtualTransport.h>

#include "rpc/wire/payload.h"

namespace parley::rpc {

using apache::thrift::TConfiguration;
using apache::thrift::protocol::TBinaryProtocolT;
using apache::thrift::protocol::TCompactProtocolT;
using apache::thrift::protocol::TMessageType;
using apache::thrift::protocol::TNetworkBigEndian;
using apache::thrift::protocol::TProtocol;
using apache::thrift::transport::TBufferBase;
using apache::thrift::transport::TMemoryBuffer;
using apache::thrift::transport::TTransportException;
using apache::thrift::transport::TVirtualTransport;

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

/// A message that Thrift reads where it is.
class MessageBytes final : public TVirtualTransport<MessageBytes, TBufferBase> {
 public:
  MessageBytes() : TVirtualTransport(thrift_limits()) {}

  /// From now on it is this one.
  void set(std::string_view message) {
    // Reading, the transport leaves its bytes alone.
    auto* const bytes = const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(message.data()));
    setReadBuffer(bytes, static_cast<std::uint32_t>(message.size()));
    resetConsumedMessageSize();
  }

  using TBufferBase::readAll;

 private:
  // There is never more than what was there at once.
  std::uint32_t readSlow(std::uint8_t* /*to*/, std::uint32_t /*size*/) override { return 0; }
  const std::uint8_t* borrowSlow(std::uint8_t* /*to*/, std::uint32_t* /*size*/) override { return nullptr; }
  void writeSlow(const std::uint8_t* /*from*/, std::uint32_t /*size*/) override {
    throw TTransportException(TTransportException::NOT_OPEN, "only to be read");
  }
};

// What messages are read from and written to, kept by each thread: to make it anew costs as much as many a message. The
// protocols are not kept: one that has refused a message for its depth counts on from there.
inline const std::shared_ptr<MessageBytes>& kept_bytes() {
  thread_local const auto bytes = std::make_shared<MessageBytes>();
  return bytes;
}
inline const std::shared_ptr<TMemoryBuffer>& kept_buffer() {
  thread_local const auto buffer = std::make_shared<TMemoryBuffer>(thrift_limits());
  return buffer;
}

/// Calls `read(protocol)` with a protocol that reads `message`, and returns what that does: for binary messages by its
/// class, for the others, which are rare, as a TProtocol. Throws what it throws:
/// apache::thrift::TException where the message cannot be read.
template <class Read>
auto read_message(std::string_view message, Protocol protocol, Read read) {
  // What is announced must fit in the message; of empty structs, which take a byte each, more than this is nonsense.
  constexpr std::int32_t kMaxElements = 1 << 16;
  const auto strings = static_cast<std::int32_t>(std::max<std::size_t>(message.size(), 1));  // 0 would be no limit
  const std::int32_t elements = std::min(strings, kMaxElements);
  kept_bytes()->set(message);
  if (protocol == Protocol::kCompact) {
    TCompactProtocolT<MessageBytes> compact(kept_bytes(), strings, elements);
    return read(static_cast<TProtocol&>(compact));
  }
  TBinaryProtocolT<MessageBytes, TNetworkBigEndian> binary(kept_bytes(), strings, elements, true, true);
  return read(binary);
}

/// A whole message; `Body` is a generated struct or an exception.
template <class Body>
std::string write_message(Protocol protocol, const std::string& method, TMessageType type, std::int32_t sequence_id,
                          const Body& body) {
  const auto write = [&](auto& out) {
    out.writeMessageBegin(method, type, sequence_id);
    body.write(&out);
    out.writeMessageEnd();
  };
  TMemoryBuffer& buffer = *kept_buffer();
  buffer.resetBuffer();
  if (protocol == Protocol::kCompact) {
    TCompactProtocolT<TMemoryBuffer> compact(kept_buffer());
    write(static_cast<TProtocol&>(compact));
  } else {
    TBinaryProtocolT<TMemoryBuffer, TNetworkBigEndian> binary(kept_buffer());
    write(binary);
  }
  std::string message = buffer.getBufferAsString();
  constexpr std::uint32_t kKept = std::uint32_t{64} << 10;
  if (buffer.getBufferSize() > kKept) buffer.resetBuffer(TMemoryBuffer::defaultSize);
  return message;
}

}  // namespace parley::rpc
