// The calls of IMService as Thrift messages: each side's encoding and decoding.
//
// Everything is bounded by the message itself: no string is longer, no container larger than what follows in it, and
// nesting ends at 32. Any thread. Only no memory is thrown.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/error.h"
#include "rpc/wire/payload.h"
#include "service/message_service.h"

namespace parley::rpc {

/// Thrift's numbers for what is wrong with a call before it reaches the service, one of Kitex' and one of our own.
enum class ExceptionType : std::int32_t {
  kUnreadable = -1,  ///< never on the wire: what came cannot be read
  kUnknown = 0,
  kUnknownMethod = 1,
  kInvalidMessageType = 2,
  kWrongMethodName = 3,
  kBadSequenceId = 4,
  kMissingResult = 5,
  kInternalError = 6,
  kProtocolError = 7,
  kUnknownService = 20,  ///< Kitex' own: a method that none of its services has
};

/// A TApplicationException. What a foreign server sends may have a type that is not listed above.
struct ApplicationException {
  ExceptionType type = ExceptionType::kUnknown;
  std::string message;

  friend bool operator==(const ApplicationException&, const ApplicationException&) = default;
};

/// Whether the server threw because it has no such method.
[[nodiscard]] inline bool is_unknown_method(const ApplicationException& thrown) noexcept {
  return thrown.type == ExceptionType::kUnknownMethod || thrown.type == ExceptionType::kUnknownService;
}

struct ReadyRequest {};

struct ReadyResponse {
  std::string store_id{};       ///< empty: not known
  std::string durability{};     ///< what an acknowledgement promises: fsync, os or memory; empty: not known
  std::int64_t clock = 0;       ///< the node's wall clock, microseconds since 1970; 0: not known
  std::string refuses_sends{};  ///< why sends fail although pulls succeed; empty: they do not
};

/// A call of any name, by the method Call.
struct CallRequest {
  std::string name;     ///< of the call, such as "Pull"
  std::string message;  ///< its request, in protobuf
};

struct CallResponse {
  std::string message;  ///< the call's answer, in protobuf
};

using Request = std::variant<service::SendRequest, service::PullRequest, ReadyRequest, CallRequest>;

/// What an answer repeats of its call.
struct MessageHead {
  Protocol protocol = Protocol::kBinary;
  std::string method;
  std::int32_t sequence_id = 0;
};

// The server's side.

struct Call {
  MessageHead head;
  /// Or what to answer instead: kUnknownMethod; kProtocolError where a required field is missing or the arguments
  /// cannot be read; kInvalidMessageType where it is no call.
  std::expected<Request, ApplicationException> request;
};

/// The call in `message`, of which bytes behind the arguments are ignored. Nothing where not even the head can be read,
/// so that there is nobody to answer.
[[nodiscard]] std::optional<Call> decode_call(std::string_view message, Protocol protocol);

// The message that answers a call. An error becomes Code, its number in the error table, and Msg, its detail; so does
// ReadyResponse::refuses_sends, as kUnavailable, for who only reads these.
[[nodiscard]] std::string encode_reply(const MessageHead& head, Result<service::SendResponse> response);
[[nodiscard]] std::string encode_reply(const MessageHead& head, Result<service::PullResponse> response);
[[nodiscard]] std::string encode_reply(const MessageHead& head, Result<ReadyResponse> response);
[[nodiscard]] std::string encode_reply(const MessageHead& head, Result<CallResponse> response);
[[nodiscard]] std::string encode_reply(const MessageHead& head, const ApplicationException& exception);

// The client's side.

/// The message that makes this call.
[[nodiscard]] std::string encode_call(const Request& request, std::int32_t sequence_id, Protocol protocol);

/// What a server answered. A foreign one's codes are its own, and its strings need not be UTF-8.
template <class Response>
struct Reply {
  std::int32_t code = 0;  ///< 0: success
  std::string message;
  Response response;        ///< what the optional fields held; those that were not there have their defaults
  bool has_cursor = false;  ///< whether a PullResponse said where to go on
};

template <class Response>
using ReplyResult = std::expected<Reply<Response>, ApplicationException>;

// The answer to a call of that method: what the server answered, the exception that it threw, or kUnreadable. In a
// PullResponse `chat` is the first message's, if there is one.
[[nodiscard]] ReplyResult<service::SendResponse> decode_send_reply(std::string_view message, Protocol protocol);
[[nodiscard]] ReplyResult<service::PullResponse> decode_pull_reply(std::string_view message, Protocol protocol);
[[nodiscard]] ReplyResult<ReadyResponse> decode_ready_reply(std::string_view message, Protocol protocol);
[[nodiscard]] ReplyResult<CallResponse> decode_call_reply(std::string_view message, Protocol protocol);

}  // namespace parley::rpc
