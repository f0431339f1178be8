#include "api/answer.h"

#include <cstdint>
#include <limits>
#include <string>

#include <api.pb.h>
#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include "api/media_type.h"
#include "service/protobuf.h"

namespace parley::api {
namespace {

service::PullResponse page(std::vector<Message> messages, bool has_more, std::int64_t next_cursor) {
  return {.chat = "a:b", .page = {std::move(messages), has_more, next_cursor}};
}

std::string pull_json(const service::PullResponse& pull) {
  MemoryBudget budget(1 << 20);
  const auto response = answer_pull(pull, kJsonType, budget);
  EXPECT_TRUE(response);
  EXPECT_EQ(response->content_type, "application/json");
  const auto by_descriptor = answer_message(service::to_protobuf(pull), service::Effect::kReads, kJsonType, budget);
  EXPECT_TRUE(by_descriptor);
  EXPECT_EQ(response->body, by_descriptor->body);
  return response->body;
}

TEST(Answer, WritesEveryFieldOfASend) {
  const http::Response first = answer_send({"a:b", 1'700'000'000'000'001, false}, kJsonType);
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.content_type, "application/json");
  EXPECT_EQ(first.body, R"({"chat":"a:b","send_time":1700000000000001,"duplicate":false})");
  EXPECT_EQ(answer_send({"\"\\:\xc5\xbe", 1, true}, kJsonType).body,
            "{\"chat\":\"\\\"\\\\:\xc5\xbe\",\"send_time\":1,\"duplicate\":true}");
}

TEST(Answer, WritesASendAlikeByItsDescriptor) {
  MemoryBudget budget(1000);
  for (const service::SendResponse& send : {service::SendResponse{"a:b", 1, false}, {"\"\\:\xc5\xbe", 7, true}, {}}) {
    const auto response = answer_message(service::to_protobuf(send), service::Effect::kChanges, kJsonType, budget);
    ASSERT_TRUE(response);
    EXPECT_EQ(response->body, answer_send(send, kJsonType).body);
  }
}

TEST(Answer, OfAChangeIsNeverTurnedIntoAnythingElse) {
  MemoryBudget none(0);
  const auto message = service::to_protobuf(service::SendResponse{"a:b", 1, false});
  for (const std::string_view type : {kJsonType, kProtobufType}) {
    EXPECT_TRUE(answer_message(message, service::Effect::kChanges, type, none));
    EXPECT_TRUE(answer_message(message, service::Effect::kOnceByKey, type, none));
    const auto read = answer_message(message, service::Effect::kReads, type, none);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, ErrorCode::kOverloaded);
  }
}

TEST(Answer, WritesEveryFieldOfAPull) {
  EXPECT_EQ(pull_json(page({}, false, 0)), R"({"messages":[],"has_more":false,"next_cursor":0})");
  EXPECT_EQ(pull_json(page({{"a", "hi", 1'000'000}}, true, 1'000'001)),
            R"({"messages":[{"chat":"a:b","text":"hi","sender":"a","send_time":1000000}],)"
            R"("has_more":true,"next_cursor":1000001})");
  EXPECT_EQ(pull_json(page({{"a", "1", 2}, {"b", "2", 1}}, false, 0)),
            R"({"messages":[{"chat":"a:b","text":"1","sender":"a","send_time":2},)"
            R"({"chat":"a:b","text":"2","sender":"b","send_time":1}],"has_more":false,"next_cursor":0})");
}

TEST(Answer, WritesTheOutermostIntegers) {
  constexpr auto kMin = std::numeric_limits<std::int64_t>::min();
  const auto json = boost::json::parse(pull_json(page({{"a", "x", kMin}, {"a", "y", kMin}}, false, kMin)));
  EXPECT_EQ(json.at("next_cursor").as_int64(), kMin);
  EXPECT_EQ(json.at("messages").at(1).at("send_time").as_int64(), kMin);
}

TEST(Answer, EscapesTexts) {
  const std::string text("\0\x1f\"\\\n\t\x7f ž🐎 </script>", 25);
  const auto json = boost::json::parse(pull_json(page({{"\"", text, 5}}, false, 6)));
  const auto& message = json.at("messages").at(0);
  EXPECT_EQ(std::string_view(message.at("text").as_string()), text);
  EXPECT_EQ(message.at("sender").as_string(), "\"");
}

TEST(Answer, WritesProtobufUnderTheNameThatWasAskedFor) {
  ::api::SendResponse send;
  const http::Response sent = answer_send({"a:b", 7, true}, kProtobufAlias);
  EXPECT_EQ(sent.content_type, "application/protobuf");
  ASSERT_TRUE(send.ParseFromString(sent.body));
  EXPECT_EQ(send.chat(), "a:b");
  EXPECT_EQ(send.send_time(), 7);
  EXPECT_TRUE(send.duplicate());

  MemoryBudget budget(1000);
  const auto pulled = answer_pull(page({{"a", "hi", 7}, {"b", "ho", 8}}, true, 9), kProtobufType, budget);
  ASSERT_TRUE(pulled);
  EXPECT_EQ(pulled->content_type, "application/x-protobuf");
  ::api::PullResponse pull;
  ASSERT_TRUE(pull.ParseFromString(pulled->body));
  ASSERT_EQ(pull.messages_size(), 2);
  EXPECT_EQ(pull.messages(1).chat(), "a:b");
  EXPECT_EQ(pull.messages(1).text(), "ho");
  EXPECT_EQ(pull.messages(1).sender(), "b");
  EXPECT_EQ(pull.messages(1).send_time(), 8);
  EXPECT_TRUE(pull.has_more());
  EXPECT_EQ(pull.next_cursor(), 9);
}

TEST(Answer, HoldsThePagesMemoryAsLongAsTheResponseLives) {
  const auto pull = page({{"a", std::string(1000, '\n'), 7}}, false, 8);
  for (const std::string_view type : {kJsonType, kProtobufType}) {
    MemoryBudget budget(4000);
    {
      const auto response = answer_pull(pull, type, budget);
      ASSERT_TRUE(response);
      EXPECT_GE(budget.used(), response->body.size());
      EXPECT_LE(budget.used(), response->body.size() + 100);
    }
    EXPECT_EQ(budget.used(), 0U);
  }
}

TEST(Answer, IsOverloadedWhereNoMemoryIsLeftForThePage) {
  const auto pull = page({{"a", std::string(1000, 'x'), 7}}, false, 8);
  for (const std::string_view type : {kJsonType, kProtobufType}) {
    MemoryBudget budget(1000);
    const auto response = answer_pull(pull, type, budget);
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, ErrorCode::kOverloaded);
    EXPECT_EQ(budget.used(), 0U);
  }
}

}  // namespace
}  // namespace parley::api
