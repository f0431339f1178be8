// The server's side of the messages.
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
using apache::thrift::protocol::T_ONEWAY;
using apache::thrift::protocol::T_REPLY;

using ReadRequest = std::expected<Request, ApplicationException>;

Request to_request(idl::SendRequest&& request) {
  return service::SendRequest{std::move(request.message.Chat), std::move(request.message.Text),
                              std::move(request.message.Sender), std::move(request.IdempotencyKey)};
}

Request to_request(idl::PullRequest&& request) {
  return service::PullRequest{std::move(request.Chat), request.Cursor, request.Limit, request.Reverse};
}

Request to_request(idl::ReadyRequest&& /*empty*/) { return ReadyRequest{}; }

Request to_request(idl::CallRequest&& request) {
  return CallRequest{std::move(request.Name), std::move(request.Message)};
}

template <class Arguments, class In>
ReadRequest read_arguments(In& in) {
  Arguments arguments;
  arguments.read(&in);
  if (!arguments.__isset.req) {
    return std::unexpected(ApplicationException{ExceptionType::kProtocolError, "the argument req is missing"});
  }
  return to_request(std::move(arguments.req));
}

template <class In>
ReadRequest read_arguments(In& in, const std::string& method) {
  if (method == "Send") return read_arguments<idl::IMService_Send_args>(in);
  if (method == "Pull") return read_arguments<idl::IMService_Pull_args>(in);
  if (method == "Ready") return read_arguments<idl::IMService_Ready_args>(in);
  if (method == "Call") return read_arguments<idl::IMService_Call_args>(in);
  return std::unexpected(ApplicationException{ExceptionType::kUnknownMethod, "unknown method " + method});
}

template <class In>
ReadRequest read_request(In& in, const std::string& method, TMessageType type) {
  if (type != T_CALL && type != T_ONEWAY) {
    return std::unexpected(ApplicationException{ExceptionType::kInvalidMessageType, "the message is no call"});
  }
  try {
    return read_arguments(in, method);
  } catch (const apache::thrift::TException& error) {
    return std::unexpected(ApplicationException{ExceptionType::kProtocolError,
                                                std::string("the arguments cannot be read: ") + error.what()});
  }
}

void fill(idl::SendResponse& out, service::SendResponse&& response) {
  out.Chat = std::move(response.chat);
  out.__isset.Chat = true;
  out.__set_SendTime(response.send_time);
  out.__set_Duplicate(response.duplicate);
}

void fill(idl::PullResponse& out, service::PullResponse&& response) {
  out.Messages.reserve(response.page.messages.size());
  for (Message& message : response.page.messages) {
    idl::Message& to = out.Messages.emplace_back();
    to.Chat = response.chat;
    to.Text = message.text.view();
    to.Sender = std::move(message.sender);
    to.SendTime = message.send_time;
  }
  out.__isset.Messages = true;
  out.__set_HasMore(response.page.has_more);
  out.__set_NextCursor(response.page.next_cursor);
}

void fill(idl::ReadyResponse& out, ReadyResponse&& response) {
  if (!response.store_id.empty()) out.__set_StoreId(response.store_id);
  if (!response.durability.empty()) out.__set_Durability(response.durability);
  if (response.clock != 0) out.__set_Clock(response.clock);
  if (response.refuses_sends.empty()) return;
  out.Code = static_cast<std::int32_t>(ErrorCode::kUnavailable);
  out.Msg = response.refuses_sends;
  out.__set_RefusesSends(response.refuses_sends);
}

void fill(idl::CallResponse& out, CallResponse&& response) {
  out.Message = std::move(response.message);
  out.__isset.Message = true;
}

/// `Wire` is the generated struct that a method's answer is wrapped in.
template <class Wire, class Response>
std::string encode(const MessageHead& head, Result<Response> response) {
  Wire out;
  out.__isset.success = true;
  if (response) {
    out.success.Code = 0;
    out.success.Msg = "success";
    fill(out.success, *std::move(response));
  } else {
    const Error& error = response.error();
    out.success.Code = static_cast<std::int32_t>(error.code);
    out.success.Msg = error.detail.empty() ? std::string(error_info(error.code).title) : error.detail;
  }
  return write_message(head.protocol, head.method, T_REPLY, head.sequence_id, out);
}

}  // namespace

std::optional<Call> decode_call(std::string_view message, Protocol protocol) {
  try {
    return read_message(message, protocol, [protocol](auto& in) {
      MessageHead head{protocol, {}, 0};
      TMessageType type{};
      in.readMessageBegin(head.method, type, head.sequence_id);
      auto request = read_request(in, head.method, type);
      return std::optional(Call{std::move(head), std::move(request)});
    });
  } catch (const apache::thrift::TException&) {
    return std::nullopt;
  }
}

std::string encode_reply(const MessageHead& head, Result<service::SendResponse> response) {
  return encode<idl::IMService_Send_result>(head, std::move(response));
}

std::string encode_reply(const MessageHead& head, Result<service::PullResponse> response) {
  return encode<idl::IMService_Pull_result>(head, std::move(response));
}

std::string encode_reply(const MessageHead& head, Result<ReadyResponse> response) {
  return encode<idl::IMService_Ready_result>(head, std::move(response));
}

std::string encode_reply(const MessageHead& head, Result<CallResponse> response) {
  return encode<idl::IMService_Call_result>(head, std::move(response));
}

std::string encode_reply(const MessageHead& head, const ApplicationException& exception) {
  const TApplicationException out(static_cast<TApplicationException::TApplicationExceptionType>(exception.type),
                                  exception.message);
  return write_message(head.protocol, head.method, T_EXCEPTION, head.sequence_id, out);
}

}  // namespace parley::rpc
