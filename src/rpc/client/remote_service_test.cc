// What a gateway tells its clients, for whatever its nodes do.
#include "rpc/client/remote_service.h"

#include <algorithm>
#include <array>

#include <gmock/gmock.h>

#include "rpc/client/remote_service_fixture.h"

namespace parley::rpc {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr std::string_view kGarbage = "HTTP/1.1 400 Bad Request\r\n\r\n";

TEST_F(RemoteServiceTest, SendsInCanonicalSpelling) {
  FakeNode node;
  FakeConnection connection = connect(node);
  SendFuture sent = send("hi", "k", milliseconds(10'000));
  const ReceivedCall call = connection.receive();
  EXPECT_EQ(call.send().chat, "a:b");
  EXPECT_EQ(call.send().idempotency_key, "k");
  EXPECT_LE(std::stoi(call.timeout), 9'900) << "the node's word on a missed deadline must come before the deadline";
  EXPECT_GT(std::stoi(call.timeout), 5'000);
  connection.stored(call, 7'000'000, true);
  const auto response = sent.get();
  ASSERT_TRUE(response) << response.error().detail;
  EXPECT_EQ(response->chat, "a:b");
  EXPECT_EQ(response->send_time, 7'000'000);
  EXPECT_TRUE(response->duplicate);
}

TEST_F(RemoteServiceTest, AnswersComeInAnyOrder) {
  FakeNode node;
  FakeConnection connection = connect(node);
  SendFuture first = send("1");
  const ReceivedCall one = connection.receive();
  SendFuture second = send("2");
  const ReceivedCall two = connection.receive();
  connection.stored(two, 2);
  EXPECT_EQ(second.get()->send_time, 2);
  connection.stored(one, 1);
  EXPECT_EQ(first.get()->send_time, 1);
}

TEST_F(RemoteServiceTest, RefusesWhatIsInvalidWithoutAsking) {
  FakeNode node;
  FakeConnection connection = connect(node);
  SendFuture empty = send("");
  EXPECT_EQ(error_of(empty), ErrorCode::kInvalidText);
}

TEST_F(RemoteServiceTest, PassesErrorsOnByTheirNumber) {
  FakeNode node;
  FakeConnection connection = connect(node);
  PullFuture pulled = pull();
  connection.answer<service::PullResponse>(connection.receive(), fail(ErrorCode::kChatNotFound, "no such chat"));
  const auto result = pulled.get();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), (Error{ErrorCode::kChatNotFound, "no such chat"}));
}

TEST_F(RemoteServiceTest, PassesPagesAndCursorsOn) {
  FakeNode node;
  FakeConnection connection = connect(node);
  PullFuture pulled = pull();
  const ReceivedCall call = connection.receive();
  EXPECT_EQ(call.pull().cursor, 5);
  EXPECT_EQ(call.pull().limit, 3);
  EXPECT_TRUE(call.pull().reverse);
  service::PullResponse page{"a:b", {{{"a", "hi", 4}}, true, 77}};
  connection.answer<service::PullResponse>(call, page);
  const auto result = pulled.get();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->chat, "a:b");
  EXPECT_EQ(result->page.messages, page.page.messages);
  EXPECT_TRUE(result->page.has_more);
  EXPECT_EQ(result->page.next_cursor, 77);
}

TEST_F(RemoteServiceTest, PassesOnACursorOfZero) {
  FakeNode node;
  FakeConnection connection = connect(node);
  PullFuture pulled = pull();
  connection.answer<service::PullResponse>(connection.receive(), service::PullResponse{"", {{{"a", "hi", 4}}}});
  const auto result = pulled.get();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->chat, "a:b");
  EXPECT_EQ(result->page.next_cursor, 0) << "the node gave it";
}

TEST_F(RemoteServiceTest, CutsAPageThatIsLargerThanItsOwnBound) {
  FakeNode node;
  FakeConnection connection = connect(node);
  PullFuture pulled = pull();
  const std::string text(service::ServiceLimits{}.max_page_bytes / 2, 'x');
  const service::PullResponse page{"a:b", {{{"a", text, 4}, {"a", text, 3}, {"a", "one more", 2}}, false, 1}};
  connection.answer<service::PullResponse>(connection.receive(), page);
  const auto result = pulled.get();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->page.messages.size(), 2U);
  EXPECT_TRUE(result->page.has_more);
  EXPECT_EQ(result->page.next_cursor, 2) << "in reverse";
}

TEST_F(RemoteServiceTest, AForeignServersNonsenseIsBadUpstream) {
  FakeNode node;
  FakeConnection connection = connect(node);
  SendFuture thrown = send("1");
  const ReceivedCall first = connection.receive();
  connection.answer(first, encode_reply(first.head, ApplicationException{ExceptionType::kInternalError, "oops"}));
  EXPECT_EQ(error_of(thrown), ErrorCode::kBadUpstream);
  SendFuture unreadable = send("2");
  connection.answer(connection.receive(), "\x80\x01 what is this");
  EXPECT_EQ(error_of(unreadable), ErrorCode::kBadUpstream);
  SendFuture strange = send("3");
  connection.answer<service::SendResponse>(connection.receive(), fail(static_cast<ErrorCode>(500), "oops"));
  EXPECT_EQ(error_of(strange), ErrorCode::kBadUpstream);
  PullFuture binary = pull();
  connection.answer<service::PullResponse>(connection.receive(), service::PullResponse{"", {{{"a", "\xff", 4}}}});
  EXPECT_EQ(error_of(binary), ErrorCode::kBadUpstream);
}

TEST_F(RemoteServiceTest, GarbageInPlaceOfAFrameClosesTheConnection) {
  FakeNode node;
  FakeConnection connection = connect(node);
  PullFuture pulled = pull();
  (void)connection.receive();
  connection.write(kGarbage);
  EXPECT_EQ(error_of(pulled), ErrorCode::kBadUpstream);
  EXPECT_TRUE(connection.closed());
}

TEST_F(RemoteServiceTest, AFrameOf16MiBClosesTheConnection) {
  FakeNode node;
  FakeConnection connection = connect(node);
  SendFuture sent = send("hi");
  (void)connection.receive();
  connection.write(std::string_view("\x01\x00\x00\x00\x10\x00", 6));
  EXPECT_EQ(error_of(sent), ErrorCode::kBadUpstream);
  EXPECT_TRUE(connection.closed());
}

TEST_F(RemoteServiceTest, AFrameMayBeLarge) {
  FakeNode node;
  FakeConnection connection = connect(node);
  for (const std::size_t size : {std::size_t{5} << 20, std::size_t{1}}) {
    PullFuture pulled = pull();
    service::PullResponse page{"a:b", {{{"a", std::string(size, 'x'), 4}}, false, 3}};
    connection.answer<service::PullResponse>(connection.receive(), page);
    const auto result = pulled.get();
    ASSERT_TRUE(result) << result.error().detail;
    EXPECT_EQ(result->page.messages, page.page.messages);
  }
}

TEST_F(RemoteServiceTest, PastTheDeadlineADeliveredSendIsUnknown) {
  FakeNode node;
  FakeConnection connection = connect(node);
  SendFuture keyless = send("1", "", milliseconds(100));
  SendFuture keyed = send("2", "k", milliseconds(100));
  PullFuture pulled = pull(milliseconds(100));
  EXPECT_EQ(error_of(keyless), ErrorCode::kOutcomeUnknown);
  EXPECT_EQ(error_of(keyed), ErrorCode::kOutcomeUnknown);
  EXPECT_EQ(error_of(pulled), ErrorCode::kOverloaded);
}

TEST_F(RemoteServiceTest, AnAnswerAfterTheDeadlineIsNobodysAndHarmsNothing) {
  FakeNode node;
  FakeConnection connection = connect(node);
  SendFuture late = send("1", "", milliseconds(50));
  const ReceivedCall first = connection.receive();
  EXPECT_EQ(error_of(late), ErrorCode::kOutcomeUnknown);
  connection.stored(first, 1);
  SendFuture next = send("2");
  connection.stored(connection.receive(), 2);
  EXPECT_EQ(next.get()->send_time, 2);
}

TEST_F(RemoteServiceTest, APassedDeadlineSendsNothing) {
  FakeNode node;
  FakeConnection connection = connect(node);
  SendFuture late = send("late", "", milliseconds(-1));
  EXPECT_EQ(error_of(late), ErrorCode::kOverloaded);
  SendFuture next = send("next");
  EXPECT_EQ(connection.receive().send().text, "next");
}

TEST_F(RemoteServiceTest, BeyondThePipelineItIsOverloaded) {
  FakeNode node;
  ClientOptions options = patient();
  options.max_in_flight = 2;
  FakeConnection connection = connect(node, options);
  SendFuture first = send("1");
  SendFuture second = send("2");
  SendFuture third = send("3");
  EXPECT_EQ(error_of(third), ErrorCode::kOverloaded);
  connection.stored(connection.receive(), 1);
  connection.stored(connection.receive(), 2);
  EXPECT_TRUE(first.get());
  EXPECT_TRUE(second.get());
}

TEST_F(RemoteServiceTest, AKeylessSendWhoseLinkBreaksIsUnknown) {
  FakeNode node;
  FakeConnection connection = connect(node);
  SendFuture sent = send("hi");
  (void)connection.receive();
  connection.close();
  EXPECT_EQ(error_of(sent), ErrorCode::kOutcomeUnknown);
}

TEST_F(RemoteServiceTest, AKeylessSendThatWasNotWrittenOutlivesABrokenLink) {
  FakeNode node;
  FakeConnection connection = connect(node);
  std::vector<SendFuture> sends;
  for (int i = 0; i < 500; ++i) sends.push_back(send(std::string(60'000, 'x')));  // more than sockets hold
  (void)connection.receive();
  connection.reset();
  FakeConnection again = node.accept_ready();
  const auto ended = [](SendFuture& call) { return call.wait_for(milliseconds(0)) == std::future_status::ready; };
  const auto unknown = static_cast<std::size_t>(std::ranges::count_if(sends, ended));
  EXPECT_GT(unknown, 0U);
  ASSERT_LT(unknown, sends.size()) << "what was never written needs no key to be sent again";
  for (std::size_t i = unknown; i < sends.size(); ++i) again.stored(again.receive(), 1);
  std::size_t stored = 0;
  for (SendFuture& call : sends) stored += call.get() ? 1 : 0;
  EXPECT_EQ(stored + unknown, sends.size());
}

TEST_F(RemoteServiceTest, WhatMayBeRepeatedOutlivesABrokenLink) {
  FakeNode node;
  FakeConnection connection = connect(node);
  SendFuture sent = send("hi", "key");
  PullFuture pulled = pull();
  (void)connection.receive();
  (void)connection.receive();
  connection.reset();
  FakeConnection again = node.accept_ready();
  for (int i = 0; i < 2; ++i) {
    const ReceivedCall call = again.receive();
    if (std::holds_alternative<service::SendRequest>(call.request)) {
      again.stored(call, 3, true);
    } else {
      again.answer<service::PullResponse>(call, service::PullResponse{"a:b", {{}, false, 5}});
    }
  }
  EXPECT_EQ(sent.get()->send_time, 3);
  EXPECT_TRUE(pulled.get());
}

TEST_F(RemoteServiceTest, ALaterRefusalDoesNotDenyAnEarlierAttempt) {
  FakeNode node;
  FakeConnection connection = connect(node);
  SendFuture sent = send("hi", "key");
  (void)connection.receive();
  connection.close();
  FakeConnection again = node.accept_ready();
  again.answer<service::SendResponse>(again.receive(), fail(ErrorCode::kOverloaded, "full"));
  EXPECT_EQ(error_of(sent), ErrorCode::kOutcomeUnknown) << "the first attempt may have stored";
}

TEST_F(RemoteServiceTest, WhatANodeRefusesIsNotRepeated) {
  FakeNode node;
  FakeConnection connection = connect(node);
  SendFuture sent = send("hi", "key");
  connection.answer<service::SendResponse>(connection.receive(), fail(ErrorCode::kOverloaded, "full"));
  EXPECT_EQ(error_of(sent), ErrorCode::kOverloaded);
}

TEST_F(RemoteServiceTest, IsUnavailableOnceAnOutageIsOld) {
  FakeNode node;
  node.refuse();
  ClientOptions options = patient();
  options.wait = milliseconds(50);
  start({node.endpoint()}, options);
  SendFuture sent = send("hi");
  EXPECT_EQ(error_of(sent), ErrorCode::kUnavailable);
  EXPECT_FALSE(health().reads);
  EXPECT_THAT(health().why_not, HasSubstr(node.endpoint().to_string()));
}

TEST_F(RemoteServiceTest, WaitsOutAYoungOutage) {
  FakeNode node;
  node.refuse();
  ClientOptions options = patient();
  options.wait = milliseconds(20'000);
  start({node.endpoint()}, options);
  SendFuture sent = send("hi");
  EXPECT_EQ(sent.wait_for(milliseconds(50)), std::future_status::timeout);
  node.reopen();
  FakeConnection connection = node.accept_ready();
  connection.stored(connection.receive(), 1);
  EXPECT_EQ(sent.get()->send_time, 1);
}

// Calls of other names ------------------------------------------------------------------------------------------------

std::string page_bytes() {
  ::api::PullResponse page;
  page.set_next_cursor(5);
  return page.SerializeAsString();
}

TEST_F(RemoteServiceTest, AnyCallGoesByItsNameAndMessage) {
  FakeNode node;
  FakeConnection connection = connect(node);
  CallFuture asked = call(service::Effect::kReads);
  const ReceivedCall received = connection.receive();
  EXPECT_EQ(received.head.method, "Call");
  EXPECT_EQ(received.call().name, "Other");
  ::api::SendRequest request;
  EXPECT_TRUE(request.ParseFromString(received.call().message));
  EXPECT_EQ(request.text(), "hi");
  connection.answer<CallResponse>(received, CallResponse{page_bytes()});
  const auto answer = asked.get();
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(dynamic_cast<const ::api::PullResponse&>(**answer).next_cursor(), 5);
}

TEST_F(RemoteServiceTest, WhatIsNoAnswerOfTheCallIsBadUpstream) {
  FakeNode node;
  FakeConnection connection = connect(node);
  CallFuture asked = call(service::Effect::kReads);
  connection.answer<CallResponse>(connection.receive(), CallResponse{"\xff"});
  EXPECT_EQ(error_of(asked), ErrorCode::kBadUpstream);
}

TEST_F(RemoteServiceTest, TheEffectSaysWhatOutlivesABrokenLink) {
  struct Case {
    service::Effect effect;
    std::string key;
    bool repeated;
  };
  for (const Case& test :
       {Case{service::Effect::kReads, "", true}, Case{service::Effect::kChanges, "k", false},
        Case{service::Effect::kOnceByKey, "", false}, Case{service::Effect::kOnceByKey, "k", true}}) {
    FakeNode node;
    FakeConnection connection = connect(node);
    CallFuture asked = call(test.effect, test.key);
    (void)connection.receive();
    connection.reset();
    if (test.repeated) {
      FakeConnection again = node.accept_ready();
      again.answer<CallResponse>(again.receive(), CallResponse{page_bytes()});
      EXPECT_TRUE(asked.get());
    } else {
      EXPECT_EQ(error_of(asked), ErrorCode::kOutcomeUnknown);
    }
  }
}

TEST_F(RemoteServiceTest, PastTheDeadlineADeliveredChangeIsUnknown) {
  FakeNode node;
  FakeConnection connection = connect(node);
  CallFuture change = call(service::Effect::kChanges, "", milliseconds(100));
  EXPECT_EQ(error_of(change), ErrorCode::kOutcomeUnknown);
  CallFuture read = call(service::Effect::kReads, "", milliseconds(100));
  EXPECT_EQ(error_of(read), ErrorCode::kOverloaded);
}

TEST_F(RemoteServiceTest, ANodeWithoutTheMethodCallDoesNotSupportIt) {
  for (const ExceptionType type : {ExceptionType::kUnknownMethod, ExceptionType::kUnknownService}) {
    FakeNode node;
    FakeConnection connection = connect(node);
    CallFuture asked = call(service::Effect::kChanges);
    const ReceivedCall received = connection.receive();
    connection.answer(received, encode_reply(received.head, ApplicationException{type, "unknown method Call"}));
    EXPECT_EQ(error_of(asked), ErrorCode::kNotSupported);
  }
}

TEST_F(RemoteServiceTest, AChangeThatOneNodeDoesNotKnowGoesToAnother) {
  FakeNode older;
  FakeNode newer;
  start({older.endpoint(), newer.endpoint()});
  FakeConnection of_older = older.accept_ready();
  FakeConnection of_newer = newer.accept_ready();
  ASSERT_TRUE(wait_until_started());
  for (int i = 0; i < 20; ++i) {
    CallFuture asked = call(service::Effect::kChanges);
    while (!of_newer.pending()) {
      ASSERT_EQ(asked.wait_for(milliseconds(0)), std::future_status::timeout) << "it went to no other node";
      if (!of_older.pending()) continue;
      const ReceivedCall received = of_older.receive();
      of_older.answer<CallResponse>(received, fail(ErrorCode::kNotSupported, "this server has no such call"));
    }
    of_newer.answer<CallResponse>(of_newer.receive(), CallResponse{page_bytes()});
    EXPECT_TRUE(asked.get());
  }
}

TEST_F(RemoteServiceTest, EachNodeSaysOnceThatItLacksACall) {
  FakeNode node;
  FakeNode other;
  start({node.endpoint(), other.endpoint()});
  std::array<FakeConnection, 2> connections{node.accept_ready(), other.accept_ready()};
  ASSERT_TRUE(wait_until_started());
  CallFuture asked = call(service::Effect::kReads);
  std::array<int, 2> answered{};
  while (asked.wait_for(milliseconds(0)) == std::future_status::timeout) {
    for (std::size_t i = 0; i < connections.size(); ++i) {
      if (!connections[i].pending()) continue;
      ++answered[i];
      connections[i].answer<CallResponse>(connections[i].receive(), fail(ErrorCode::kNotSupported, "no such call"));
    }
  }
  EXPECT_EQ(error_of(asked), ErrorCode::kNotSupported);
  EXPECT_THAT(answered, testing::ElementsAre(1, 1));
}

TEST_F(RemoteServiceTest, AnAnswerWithoutItsMessageIsNone) {
  FakeNode node;
  FakeConnection connection = connect(node);
  CallFuture asked = call(service::Effect::kReads);
  const ReceivedCall received = connection.receive();
  std::string answer = encode_reply(received.head, Result<CallResponse>(CallResponse{"x"}));
  const std::size_t field = answer.rfind(std::string("\x0b\x00\x03\x00\x00\x00\x01x", 8));
  ASSERT_NE(field, std::string::npos);
  answer.erase(field, 8);
  connection.answer(received, answer);
  EXPECT_EQ(error_of(asked), ErrorCode::kBadUpstream);
}

TEST_F(RemoteServiceTest, ACallThatIsTooLargeForNodesIsNotSent) {
  FakeNode node;
  ClientOptions options = patient();
  options.max_request = std::size_t{64} << 10;  // which is what goes around the message
  FakeConnection connection = connect(node, options);
  CallFuture asked = call(service::Effect::kChanges);
  EXPECT_EQ(error_of(asked), ErrorCode::kMalformedRequest);
  EXPECT_FALSE(connection.pending());
}

TEST_F(RemoteServiceTest, AnUnknownCallDoesNotDenyAnEarlierAttempt) {
  FakeNode node;
  FakeConnection connection = connect(node);
  CallFuture asked = call(service::Effect::kOnceByKey, "k");
  (void)connection.receive();
  connection.reset();
  FakeConnection again = node.accept_ready();
  again.answer<CallResponse>(again.receive(), fail(ErrorCode::kNotSupported, "an older node"));
  EXPECT_EQ(error_of(asked), ErrorCode::kOutcomeUnknown) << "the first attempt may have changed something";
}

}  // namespace
}  // namespace parley::rpc
