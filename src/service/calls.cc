#include "service/calls.h"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <string>

#include <api.pb.h>
#include <fmt/format.h>

#include "service/protobuf.h"

namespace parley::service {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

// Send and pull are verbs of every service, since they are most of the traffic: HTTP and Thrift each have a short way
// to them. This is the long way, by the method Call.

Task<::api::SendResponse> send(MessageService& service, ::api::SendRequest& request, CallContext context) {
  const std::string receiver = std::move(*request.mutable_receiver());
  auto call = from_protobuf(std::move(request));
  if (auto applied = apply_receiver(call, receiver); !applied) co_return std::unexpected(std::move(applied).error());
  auto sent = co_await service.send(std::move(call), std::move(context));
  if (!sent) co_return std::unexpected(std::move(sent).error());
  co_return to_protobuf(*sent);
}

Task<::api::PullResponse> pull(MessageService& service, ::api::PullRequest& request, CallContext context) {
  auto pulled = co_await service.pull(from_protobuf(std::move(request)), std::move(context));
  if (!pulled) co_return std::unexpected(std::move(pulled).error());
  co_return to_protobuf(*pulled);
}

/// Refuses a message with a field that cannot be bound or answered.
void check_fields(const Descriptor& message, std::set<const Descriptor*>& seen) {
  if (!seen.insert(&message).second) return;
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    switch (field.type()) {
      case FieldDescriptor::TYPE_STRING:
      case FieldDescriptor::TYPE_BOOL:
      case FieldDescriptor::TYPE_INT32:
      case FieldDescriptor::TYPE_INT64: break;
      case FieldDescriptor::TYPE_MESSAGE:
        if (!field.is_map()) {
          check_fields(*field.message_type(), seen);
          break;
        }
        [[fallthrough]];
      default: throw std::logic_error(fmt::format("no call can have a field like {}", field.full_name()));
    }
  }
}

}  // namespace

std::vector<CallRow> program_calls() {
  using enum ErrorCode;
  std::vector<CallRow> rows;
  rows.push_back(call_row<::api::SendRequest, ::api::SendResponse>(
      "Send", "/api/send", Effect::kOnceByKey,
      {kInvalidChat, kSenderNotInChat, kInvalidText, kTextTooLong, kInvalidIdempotencyKey, kIdempotencyConflict},
      send));
  rows.push_back(call_row<::api::PullRequest, ::api::PullResponse>(
      "Pull", "/api/pull", Effect::kReads, {kInvalidChat, kInvalidCursor, kInvalidLimit, kChatNotFound}, pull));
  return rows;
}

CallTable::CallTable(std::vector<CallRow> rows) : rows_(std::move(rows)) {
  std::set<std::string_view> known;
  std::set<const Descriptor*> seen;
  for (const CallRow& row : rows_) {
    if (!known.insert(row.name).second || !known.insert(row.path).second) {
      throw std::logic_error(fmt::format("two calls are named {} or have its path", row.name));
    }
    if (row.effect == Effect::kOnceByKey && idempotency_key_field(*row.request->GetDescriptor()) == nullptr) {
      throw std::logic_error(fmt::format("{} is done once by a key, but its request has none", row.name));
    }
    check_fields(*row.request->GetDescriptor(), seen);
    check_fields(*row.answer->GetDescriptor(), seen);
  }
}

const CallRow* CallTable::find(std::string_view name) const noexcept {
  const auto found = std::ranges::find(rows_, name, &CallRow::name);
  return found == rows_.end() ? nullptr : &*found;
}

void ProtobufDeleter::operator()(Protobuf* message) const noexcept { delete message; }

Task<ProtobufPtr> MessageService::call(const CallRow& row, ProtobufPtr request, CallContext context) {
  // A send with a field that Thrift's SendRequest lacks will have to go on by do_call().
  if (row.verb) return row.verb(*this, std::move(request), std::move(context));
  return do_call(row, std::move(request), std::move(context));
}

const FieldDescriptor* idempotency_key_field(const Descriptor& request) noexcept {
  const FieldDescriptor* const key = request.FindFieldByName("idempotency_key");
  const bool fits = key != nullptr && !key->is_repeated() && key->type() == FieldDescriptor::TYPE_STRING;
  return fits ? key : nullptr;
}

}  // namespace parley::service
