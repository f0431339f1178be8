#include "rpc/wire/messages.h"

#include <string>

#include <gtest/gtest.h>

namespace parley::rpc {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

class Messages : public testing::TestWithParam<Protocol> {
 protected:
  Protocol protocol() const { return GetParam(); }
  MessageHead head(std::string method) const { return {protocol(), std::move(method), 7}; }
};
INSTANTIATE_TEST_SUITE_P(Protocols, Messages, testing::Values(Protocol::kBinary, Protocol::kCompact));

TEST_P(Messages, CarryASend) {
  const service::SendRequest request{"a:b", "h\0i"s, "a", "key"};
  const std::string message = encode_call(request, 42, protocol());
  EXPECT_EQ(protocol_of(message), protocol());
  const auto call = decode_call(message, protocol());
  ASSERT_TRUE(call && call->request);
  EXPECT_EQ(call->head.method, "Send");
  EXPECT_EQ(call->head.sequence_id, 42);
  const auto& read = std::get<service::SendRequest>(*call->request);
  EXPECT_EQ(read.chat, request.chat);
  EXPECT_EQ(read.text, request.text);
  EXPECT_EQ(read.sender, request.sender);
  EXPECT_EQ(read.idempotency_key, request.idempotency_key);
}

TEST_P(Messages, CarryAPullAndReady) {
  const auto pull =
      decode_call(encode_call(service::PullRequest{"a:b", 1LL << 50, -3, true}, -1, protocol()), protocol());
  ASSERT_TRUE(pull && pull->request);
  const auto& read = std::get<service::PullRequest>(*pull->request);
  EXPECT_EQ(read.chat, "a:b");
  EXPECT_EQ(read.cursor, 1LL << 50);
  EXPECT_EQ(read.limit, -3);
  EXPECT_TRUE(read.reverse);
  const auto ready = decode_call(encode_call(ReadyRequest{}, 0, protocol()), protocol());
  ASSERT_TRUE(ready && ready->request);
  EXPECT_TRUE(std::holds_alternative<ReadyRequest>(*ready->request));
}

TEST_P(Messages, CarryWhatASendAnswered) {
  const std::string message = encode_reply(head("Send"), service::SendResponse{"a:b", 123, true});
  const auto reply = decode_send_reply(message, protocol());
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->code, 0);
  EXPECT_EQ(reply->message, "success");
  EXPECT_EQ(reply->response.chat, "a:b");
  EXPECT_EQ(reply->response.send_time, 123);
  EXPECT_TRUE(reply->response.duplicate);
}

TEST_P(Messages, CarryAPage) {
  const service::PullResponse response{"a:b", {{{"a", "one", 5}, {"b", "two", 6}}, true, 7}};
  const auto reply = decode_pull_reply(encode_reply(head("Pull"), response), protocol());
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->response.chat, "a:b");
  EXPECT_EQ(reply->response.page.messages, response.page.messages);
  EXPECT_TRUE(reply->response.page.has_more);
  EXPECT_EQ(reply->response.page.next_cursor, 7);
}

TEST_P(Messages, CarryWhatANodeSaysOfItself) {
  const auto known = decode_ready_reply(encode_reply(head("Ready"), ReadyResponse{"id", "os", 1234567}), protocol());
  ASSERT_TRUE(known);
  EXPECT_EQ(known->response.store_id, "id");
  EXPECT_EQ(known->response.durability, "os");
  EXPECT_EQ(known->response.clock, 1234567);
  const ReadyResponse refusing{.store_id = "id", .refuses_sends = "the disk failed"};
  const auto refuses = decode_ready_reply(encode_reply(head("Ready"), refusing), protocol());
  ASSERT_TRUE(refuses);
  EXPECT_EQ(refuses->code, static_cast<std::int32_t>(ErrorCode::kUnavailable)) << "for who does not know the field";
  EXPECT_EQ(refuses->message, "the disk failed");
  EXPECT_EQ(refuses->response.refuses_sends, "the disk failed");
  EXPECT_EQ(refuses->response.store_id, "id");
  const auto unknown = decode_ready_reply(encode_reply(head("Ready"), ReadyResponse{}), protocol());
  ASSERT_TRUE(unknown);
  EXPECT_EQ(unknown->response.store_id, "");
  EXPECT_EQ(unknown->response.durability, "");
  EXPECT_EQ(unknown->response.clock, 0);
  EXPECT_EQ(unknown->response.refuses_sends, "");
}

TEST_P(Messages, CarryEveryError) {
  for (const ErrorInfo& row : kErrorTable) {
    const Result<service::SendResponse> failed = fail(row.code, "what was wrong");
    const auto reply = decode_send_reply(encode_reply(head("Send"), failed), protocol());
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->code, static_cast<std::int32_t>(row.code));
    EXPECT_EQ(reply->message, "what was wrong");
  }
  const Result<service::PullResponse> failed = fail(ErrorCode::kChatNotFound, "");
  const auto reply = decode_pull_reply(encode_reply(head("Pull"), failed), protocol());
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->message, error_info(ErrorCode::kChatNotFound).title);
}

TEST_P(Messages, CarryAnException) {
  const ApplicationException thrown{ExceptionType::kUnknownMethod, "unknown method Ready"};
  const auto reply = decode_ready_reply(encode_reply(head("Ready"), thrown), protocol());
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error(), thrown);
}

TEST_P(Messages, ThatAreNoAnswerToTheCallAreUnreadable) {
  for (const std::string& message :
       {encode_call(ReadyRequest{}, 1, protocol()), encode_reply(head("Pull"), Result<ReadyResponse>(ReadyResponse{})),
        ""s, "\x80"s}) {
    const auto reply = decode_ready_reply(message, protocol());
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().type, ExceptionType::kUnreadable);
  }
}

TEST_P(Messages, CutShortAreAnsweredAsProtocolErrors) {
  const std::string message = encode_call(service::SendRequest{"a:b", "text", "a", "key"}, 42, protocol());
  for (std::size_t size = 0; size < message.size(); ++size) {
    const auto call = decode_call(std::string_view(message).substr(0, size), protocol());
    if (!call) continue;  // the head is not all there
    ASSERT_FALSE(call->request) << size;
    EXPECT_EQ(call->request.error().type, ExceptionType::kProtocolError) << size;
    EXPECT_EQ(call->head.sequence_id, 42);
  }
}

TEST_P(Messages, ThatAreAnswersAreNoCalls) {
  const auto call = decode_call(encode_reply(head("Send"), service::SendResponse{}), protocol());
  ASSERT_TRUE(call && !call->request);
  EXPECT_EQ(call->request.error().type, ExceptionType::kInvalidMessageType);
}

constexpr std::string_view kCallSend = "\x80\x01\x00\x01\x00\x00\x00\x04Send\x00\x00\x00\x01"sv;

/// What a binary call of Send with these arguments is answered with.
ExceptionType refusal_of(std::string_view arguments) {
  const auto call = decode_call(std::string(kCallSend).append(arguments), Protocol::kBinary);
  if (!call || call->request) return ExceptionType::kUnreadable;
  return call->request.error().type;
}

TEST(Messages, WithoutARequiredFieldAreProtocolErrors) {
  EXPECT_EQ(refusal_of("\0"sv), ExceptionType::kProtocolError);                // no argument
  EXPECT_EQ(refusal_of("\x0c\x00\x01\0\0"sv), ExceptionType::kProtocolError);  // no message in it
  EXPECT_EQ(refusal_of("\x0c\x00\x02\0\0"sv), ExceptionType::kProtocolError);  // an argument of another id
}

TEST(Messages, OfUnknownMethodsAreExceptions) {
  const auto call = decode_call("\x80\x01\x00\x01\x00\x00\x00\x04Sand\x00\x00\x00\x09\x00"sv, Protocol::kBinary);
  ASSERT_TRUE(call && !call->request);
  EXPECT_EQ(call->request.error().type, ExceptionType::kUnknownMethod);
  EXPECT_EQ(call->head.method, "Sand");
  EXPECT_EQ(call->head.sequence_id, 9);
}

TEST(Messages, ThatAnnounceMoreThanTheyHoldAreRefused) {
  EXPECT_EQ(refusal_of("\x0b\x00\x05\x7f\xff\xff\xff"sv), ExceptionType::kProtocolError);      // a string of 2 GiB
  EXPECT_EQ(refusal_of("\x0f\x00\x05\x0c\x7f\xff\xff\xff"sv), ExceptionType::kProtocolError);  // a list of 2^31 structs
  EXPECT_EQ(refusal_of("\x0b\x00\x05\xff\xff\xff\xff"sv), ExceptionType::kProtocolError);      // a negative length
}

TEST(Messages, ThatNestDeeplyAreRefused) {
  std::string arguments;
  for (int i = 0; i < 100'000; ++i) arguments += "\x0c\x00\x09"sv;  // a struct in a struct …
  EXPECT_EQ(refusal_of(arguments), ExceptionType::kProtocolError);
}

TEST(Messages, ThatAreRefusedLeaveNothingBehind) {
  std::string deep(kCallSend);
  for (int i = 0; i < 40; ++i) deep += "\x0c\x00\x09"sv;
  const std::string cut = std::string(kCallSend) + "\x0c\x00\x01\x0c\x00\x01\x0b\x00\x01\x00\x00\x00\x03"s;
  for (int i = 0; i < 40; ++i) {
    EXPECT_FALSE(decode_call(deep, Protocol::kBinary)->request);
    EXPECT_FALSE(decode_call(cut, Protocol::kBinary)->request);
  }
  const Request send = service::SendRequest{"a:b", "hi", "a", ""};
  EXPECT_TRUE(decode_call(encode_call(send, 1, Protocol::kBinary), Protocol::kBinary)->request);
}

TEST(Messages, WithUnknownFieldsAreRead) {
  const std::string_view arguments =
      "\x0c\x00\x01"  // req
      "\x0c\x00\x01\x0b\x00\x01\x00\x00\x00\x03"
      "a:b"                                               // message, Chat
      "\x0a\x00\x63\x00\x00\x00\x00\x00\x00\x00\x01\x00"  // field 99 of it
      "\x0b\x00\x63\x00\x00\x00\x01x\x00"                 // field 99 of req
      "\x00"sv;
  const auto call = decode_call(std::string(kCallSend).append(arguments), Protocol::kBinary);
  ASSERT_TRUE(call && call->request);
  EXPECT_EQ(std::get<service::SendRequest>(*call->request).chat, "a:b");
}

TEST(Messages, OfTheOldUnversionedProtocolAreNotRead) {
  EXPECT_FALSE(decode_call("\x00\x00\x00\x04Send\x01\x00\x00\x00\x01\x00"sv, Protocol::kBinary));
}

}  // namespace
}  // namespace parley::rpc
