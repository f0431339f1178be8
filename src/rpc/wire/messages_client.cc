// The client's side of the messages.
#include <IMService.h>
#include <utility>

#include <thrift/TApplicationException.h>

#include "rpc/wire/messages.h"
#include "rpc/wire/thrift_io.h"

namespace parley::rpc {
namespace {

using apache::thrift::TApplicationException;
using apache::thrift::protocol::T_CALL;
using apache::thrift::protocol::T_EXCEPTION;
using apache::thrift::protocol::T_REPLY;

// The arguments of each call; the generated structs with pointers spare a copy of the struct.
std::string encode(const service::SendRequest& request, std::int32_t sequence_id, Protocol protocol) {
  idl::SendRequest body;
  body.message.Chat = request.chat;
  body.message.Text = request.text;
  body.message.Sender = request.sender;
  if (!request.idempotency_key.empty()) body.__set_IdempotencyKey(request.idempotency_key);
  idl::IMService_Send_pargs arguments;
  arguments.req = &body;
  return write_message(protocol, "Send", T_CALL, sequence_id, arguments);
}

std::string encode(const service::PullRequest& request, std::int32_t sequence_id, Protocol protocol) {
  idl::PullRequest body;
  body.Chat = request.chat;
  body.Cursor = request.cursor;
  body.Limit = request.limit;
  body.__set_Reverse(request.reverse);
  idl::IMService_Pull_pargs arguments;
  arguments.req = &body;
  return write_message(protocol, "Pull", T_CALL, sequence_id, arguments);
}

std::string encode(const ReadyRequest& /*empty*/, std::int32_t sequence_id, Protocol protocol) {
  const idl::ReadyRequest body;
  idl::IMService_Ready_pargs arguments;
  arguments.req = &body;
  return write_message(protocol, "Ready", T_CALL, sequence_id, arguments);
}

std::string encode(const CallRequest& request, std::int32_t sequence_id, Protocol protocol) {
  idl::CallRequest body;
  body.Name = request.name;
  body.Message = request.message;
  idl::IMService_Call_pargs arguments;
  arguments.req = &body;
  return write_message(protocol, "Call", T_CALL, sequence_id, arguments);
}

service::SendResponse to_response(idl::SendResponse&& wire) {
  return {std::move(wire.Chat), wire.SendTime, wire.Duplicate};
}

service::PullResponse to_response(idl::PullResponse&& wire) {
  service::PullResponse out;
  if (!wire.Messages.empty()) out.chat = std::move(wire.Messages.front().Chat);
  out.page.messages.reserve(wire.Messages.size());
  const auto kept = std::make_shared<std::vector<idl::Message>>(std::move(wire.Messages));
  for (idl::Message& message : *kept) {
    out.page.messages.push_back({std::move(message.Sender), {message.Text, kept}, message.SendTime});
  }
  out.page.has_more = wire.HasMore;
  out.page.next_cursor = wire.NextCursor;
  return out;
}

ReadyResponse to_response(idl::ReadyResponse&& wire) {
  return {std::move(wire.StoreId), std::move(wire.Durability), wire.Clock, std::move(wire.RefusesSends)};
}

CallResponse to_response(idl::CallResponse&& wire) { return {std::move(wire.Message)}; }

std::unexpected<ApplicationException> unreadable(std::string why) {
  return std::unexpected(ApplicationException{ExceptionType::kUnreadable, std::move(why)});
}

/// `Wire` is the generated struct that the method's answer is wrapped in.
template <class Response, class Wire, class In>
ReplyResult<Response> read_reply(In& in, std::string_view method) {
  std::string name;
  TMessageType type{};
  std::int32_t sequence_id = 0;
  in.readMessageBegin(name, type, sequence_id);
  if (type == T_EXCEPTION) {
    TApplicationException thrown;
    thrown.read(&in);
    return std::unexpected(ApplicationException{static_cast<ExceptionType>(thrown.getType()), thrown.what()});
  }
  if (type != T_REPLY || name != method) return unreadable("the message is no answer to " + std::string(method));
  Wire result;
  result.read(&in);
  if (!result.__isset.success) return unreadable("the answer holds no result");
  if constexpr (requires { result.success.__isset.Message; }) {
    const bool lacks = result.success.Code == 0 && !result.success.__isset.Message;
    if (lacks) return unreadable("the answer holds no message");
  }
  Reply<Response> reply{result.success.Code, std::move(result.success.Msg), {}, false};
  if constexpr (requires { result.success.NextCursor; }) reply.has_cursor = result.success.__isset.NextCursor;
  reply.response = to_response(std::move(result.success));
  return reply;
}

template <class Response, class Wire>
ReplyResult<Response> decode(std::string_view message, Protocol protocol, std::string_view method) {
  try {
    return read_message(message, protocol, [method](auto& in) { return read_reply<Response, Wire>(in, method); });
  } catch (const apache::thrift::TException& error) {
    return unreadable(std::string("the answer cannot be read: ") + error.what());
  }
}

}  // namespace

std::string encode_call(const Request& request, std::int32_t sequence_id, Protocol protocol) {
  return std::visit([&](const auto& body) { return encode(body, sequence_id, protocol); }, request);
}

ReplyResult<service::SendResponse> decode_send_reply(std::string_view message, Protocol protocol) {
  return decode<service::SendResponse, idl::IMService_Send_result>(message, protocol, "Send");
}

ReplyResult<service::PullResponse> decode_pull_reply(std::string_view message, Protocol protocol) {
  return decode<service::PullResponse, idl::IMService_Pull_result>(message, protocol, "Pull");
}

ReplyResult<ReadyResponse> decode_ready_reply(std::string_view message, Protocol protocol) {
  return decode<ReadyResponse, idl::IMService_Ready_result>(message, protocol, "Ready");
}

ReplyResult<CallResponse> decode_call_reply(std::string_view message, Protocol protocol) {
  return decode<CallResponse, idl::IMService_Call_result>(message, protocol, "Call");
}

}  // namespace parley::rpc
