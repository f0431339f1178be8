// The calls of the API, each declared once. What else is known of a call follows from its row here and from its
// messages in idl/api.proto: routes, binding and answers over HTTP, the method Call over Thrift, metrics, OpenAPI and
// Postman.
//
// To add a call, write its messages and its rpc in idl/api.proto, its handler, and its row in calls.cc.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "service/message_service.h"
#include "service/validation.h"

namespace google::protobuf {
class Descriptor;
class FieldDescriptor;
}  // namespace google::protobuf

namespace parley::store {
class MessageStore;
}

namespace parley::service {

/// What a call does, and so what may be done twice when nobody knows what became of it.
enum class Effect : std::uint8_t {
  kReads,      ///< nothing changes: a repeat is harmless, and GET may ask for it
  kChanges,    ///< it is repeated only if it surely has not begun
  kOnceByKey,  ///< as kChanges, but a repeat under the same `idempotency_key` changes nothing more
};

/// What the handlers of a local service work with.
struct Resources {
  store::MessageStore& store;
  ServiceLimits limits;
};

/// One call. Made by call_row().
struct CallRow {
  std::string_view name;  ///< of its rpc in the MessageService of the IDL, such as "Send"; static storage, as the path
  std::string_view path;  ///< over HTTP, such as "/api/send"
  Effect effect = Effect::kReads;
  std::vector<ErrorCode> errors;      ///< of its own: what every call may answer is left out
  const Protobuf* request = nullptr;  ///< an empty one, to make others like it; so is `answer`
  const Protobuf* answer = nullptr;

  // One of the two is there. The first is for the service that keeps the store; elsewhere the call goes to a node.
  std::function<Task<ProtobufPtr>(const Resources&, ProtobufPtr, CallContext)> handler;
  std::function<Task<ProtobufPtr>(MessageService&, ProtobufPtr, CallContext)> verb;  ///< a verb of the service's own
};

namespace detail {

template <class Request, class Answer, class Handler, class Subject>
Task<ProtobufPtr> handle(const Handler& handler, Subject& subject, ProtobufPtr request, CallContext context) {
  auto answer = co_await handler(subject, static_cast<Request&>(*request), std::move(context));
  if (!answer) co_return std::unexpected(std::move(answer).error());
  co_return ProtobufPtr(new Answer(*std::move(answer)));
}

}  // namespace detail

/// The row of the call that `handler` answers: a `Task<Answer>(const Resources&, Request&, CallContext)`, or one with a
/// MessageService& in place of the resources, for a call that is a verb of every service. The request is the handler's
/// to take apart, and lives until the task has ended.
template <class Request, class Answer, class Handler>
[[nodiscard]] CallRow call_row(std::string_view name, std::string_view path, Effect effect,
                               std::vector<ErrorCode> errors, Handler handler) {
  CallRow row{name, path, effect, std::move(errors), &Request::default_instance(), &Answer::default_instance(), {}, {}};
  if constexpr (std::invocable<const Handler&, MessageService&, Request&, CallContext>) {
    row.verb = [handler](MessageService& service, ProtobufPtr request, CallContext context) {
      return detail::handle<Request, Answer>(handler, service, std::move(request), std::move(context));
    };
  } else {
    row.handler = [handler](const Resources& resources, ProtobufPtr request, CallContext context) {
      return detail::handle<Request, Answer>(handler, resources, std::move(request), std::move(context));
    };
  }
  return row;
}

/// The program's calls.
[[nodiscard]] std::vector<CallRow> program_calls();

/// Rows by name. Immutable, for any thread. Must outlive whoever was given one of its rows.
class CallTable {
 public:
  /// Throws std::logic_error for what is a bug: a name or path twice, no key in what is done once by it, or a field of
  /// a type that has no JSON here (only strings, bool, int32, int64, messages and lists of them do).
  explicit CallTable(std::vector<CallRow> rows);
  CallTable(const CallTable&) = delete;
  CallTable& operator=(const CallTable&) = delete;

  [[nodiscard]] std::span<const CallRow> rows() const noexcept { return rows_; }
  /// Null where there is none.
  [[nodiscard]] const CallRow* find(std::string_view name) const noexcept;
  /// The place of one of its rows in rows().
  [[nodiscard]] std::size_t index_of(const CallRow& row) const noexcept {
    return static_cast<std::size_t>(&row - rows_.data());
  }

 private:
  std::vector<CallRow> rows_;
};

/// The field that holds the key under which a call of this request is done once; null: there is none.
[[nodiscard]] const google::protobuf::FieldDescriptor* idempotency_key_field(
    const google::protobuf::Descriptor& request) noexcept;

}  // namespace parley::service
