#include "cli/api_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace parley::cli {
namespace {

using Answer = http::HttpOutcome;

Answer answered(unsigned status, std::string body, std::string code = "") {
  return http::HttpAnswer{
      .status = status, .code = std::move(code), .body = std::move(body), .retry_after = {}, .server = "h:1 (--url)"};
}

TEST(ApiClient, ReadsASend) {
  const auto sent = read_sent(answered(200, R"({"chat":"a:b","send_time":1700000000000001,"duplicate":true})"));
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->chat, "a:b");
  EXPECT_EQ(sent->send_time, 1700000000000001);
  EXPECT_TRUE(sent->duplicate);
}

TEST(ApiClient, ReadsAPull) {
  const auto pulled = read_pulled(answered(
      200,
      R"({"messages":[{"chat":"a:b","text":"\u0000x","sender":"a","send_time":5}],"has_more":true,"next_cursor":6})"));
  ASSERT_TRUE(pulled);
  ASSERT_EQ(pulled->messages.size(), 1U);
  EXPECT_EQ(pulled->messages[0].text, std::string("\0x", 2));
  EXPECT_TRUE(pulled->has_more);
  EXPECT_EQ(pulled->next_cursor, 6);
}

TEST(ApiClient, AProblemIsOneLineWithItsCode) {
  const auto sent =
      read_sent(answered(400, R"({"code":"invalid_chat","detail":"no\u001b:","title":"t","status":400})"));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().message, "no\\u001b: (invalid_chat)");
  EXPECT_EQ(sent.error().code, "invalid_chat");
  EXPECT_FALSE(sent.error().passing);
}

TEST(ApiClient, TheTemplatesPlainErrorsKeepTheirCode) {
  const auto pulled = read_pulled(answered(500, "the chat never had a message", "chat_not_found"));
  ASSERT_FALSE(pulled);
  EXPECT_EQ(pulled.error().code, "chat_not_found");
  EXPECT_FALSE(pulled.error().passing);
}

TEST(ApiClient, WhatPassesIsTriedAgain) {
  for (const char* code : {"overloaded", "unavailable", "outcome_unknown"}) {
    EXPECT_TRUE(read_sent(answered(503, "{}", code)).error().passing) << code;
  }
  EXPECT_TRUE(read_sent(answered(502, "<html>bad gateway")).error().passing);
  EXPECT_TRUE(read_sent(Answer(std::unexpected(http::NoAnswer{"refused", false}))).error().passing);
  EXPECT_FALSE(read_sent(Answer(std::unexpected(http::NoAnswer{"refused", false}))).error().reached);
  EXPECT_FALSE(read_sent(Answer(std::unexpected(http::NoAnswer{"refused", false}))).error().maybe_done);
  EXPECT_TRUE(read_sent(Answer(std::unexpected(http::NoAnswer{"reset", true}))).error().maybe_done);
  EXPECT_TRUE(read_sent(answered(504, "{}", "outcome_unknown")).error().maybe_done);
  EXPECT_TRUE(read_sent(answered(502, "<html>bad gateway")).error().maybe_done);
  EXPECT_FALSE(read_sent(answered(503, "{}", "overloaded")).error().maybe_done);
  EXPECT_FALSE(read_sent(answered(409, "{}", "idempotency_conflict")).error().passing);
}

TEST(ApiClient, EachErrorOfTheTablePassesOrNotUnderAnyStatus) {
  for (const ErrorInfo& row : kErrorTable) {
    for (const int status : {row.http_status, row.template_status}) {
      const auto sent = read_sent(answered(status, "why", std::string(row.name)));
      EXPECT_EQ(sent.error().passing, row.effect != ErrorEffect::kRefused) << row.name;
      EXPECT_EQ(sent.error().maybe_done, row.effect == ErrorEffect::kUnknown) << row.name;
    }
  }
}

TEST(ApiClient, AnErrorOfALaterServerIsJudgedByItsStatus) {
  const auto busy = read_sent(answered(503, "{}", "of_a_later_version"));
  EXPECT_TRUE(busy.error().passing);
  EXPECT_TRUE(busy.error().maybe_done);
  const auto wrong = read_sent(answered(409, "{}", "of_a_later_version"));
  EXPECT_FALSE(wrong.error().passing);
  EXPECT_FALSE(wrong.error().maybe_done);
}

TEST(ApiClient, AForeignServerIsCalledSo) {
  EXPECT_EQ(read_sent(answered(200, "hello")).error().message,
            "h:1 (--url) is no Parley server: its answer is no JSON object");
  EXPECT_EQ(read_pulled(answered(404, "<html>")).error().message, "h:1 (--url) is no Parley server (HTTP 404)");
}

TEST(ApiClient, AWrongListenerIsCalledSo) {
  const auto failure = read_pulled(answered(404, R"({"detail":"there is nothing at this path"})", "not_found")).error();
  EXPECT_EQ(failure.message, "h:1 (--url) is another listener of a Parley server, or its path is wrong (not_found)");
}

TEST(ApiClient, AForeignAnswerIsAFailure) {
  for (const char* body : {"", "hello", "[]", "{}", R"({"send_time":"x"})"}) {
    EXPECT_FALSE(read_sent(answered(200, body))) << body;
  }
  for (const char* body : {"{}", R"({"messages":{}})", R"({"messages":[1],"has_more":false,"next_cursor":1})",
                           R"({"messages":[],"has_more":false})"}) {
    EXPECT_FALSE(read_pulled(answered(200, body))) << body;
  }
}

TEST(ApiClient, AStatusIsOneWord) {
  EXPECT_EQ(
      read_status(http::HttpAnswer{.status = 200, .code = {}, .body = R"({"status":"ready"})", .retry_after = {}}),
      "ready");
  EXPECT_FALSE(read_status(http::HttpAnswer{.status = 200, .code = {}, .body = "{}", .retry_after = {}}));
  EXPECT_FALSE(
      read_status(http::HttpAnswer{.status = 503, .code = {}, .body = R"({"detail":"no"})", .retry_after = {}}));
}

}  // namespace
}  // namespace parley::cli
