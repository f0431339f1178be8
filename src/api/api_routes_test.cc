#include "api/api_routes.h"

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/loop.h"

namespace parley::api {
namespace {

/// Keeps what it was asked, and answers what it was told.
class ScriptedService final : public service::MessageService {
 public:
  Task<service::SendResponse> send(service::SendRequest request, service::CallContext context) override {
    sent = std::move(request);
    last_context = std::move(context);
    if (error) co_return std::unexpected(*error);
    co_return service::SendResponse{"a:b", 7, false};
  }
  Task<service::PullResponse> pull(service::PullRequest request, service::CallContext context) override {
    pulled = std::move(request);
    last_context = std::move(context);
    if (error) co_return std::unexpected(*error);
    co_return service::PullResponse{"a:b", {{{"a", "hi", 7}}, false, 8}};
  }
  Health health() const override { return {}; }
  Task<service::ProtobufPtr> do_call(const service::CallRow&, service::ProtobufPtr, service::CallContext) override {
    co_return fail(ErrorCode::kNotSupported, "not here");
  }

  std::optional<Error> error;
  std::optional<service::SendRequest> sent;
  std::optional<service::PullRequest> pulled;
  service::CallContext last_context;
};

class ApiRoutesTest : public testing::Test {
 protected:
  const http::Route& route(std::string_view path) {
    for (const http::Route& route : routes_) {
      if (route.path == path) return route;
    }
    throw std::out_of_range(std::string(path));
  }
  http::Response call(std::string_view path, std::string_view body, std::vector<http::Header> headers = {}) {
    http::Request request{};
    request.path = path;
    request.headers = headers;
    request.body = body;
    request.request_id = "req-1";
    request.deadline = deadline_;
    return net::run_on(loops_[0], route(path).handler(request));
  }
  static std::string code(const http::Response& response) {
    for (const auto& [name, value] : response.headers) {
      if (name == "Parley-Code") return value;
    }
    return "";
  }

  net::LoopPool loops_{1};
  ScriptedService service_;
  const service::CallTable calls_{service::program_calls()};
  MemoryBudget memory_{1000};
  Deadline deadline_ = Deadline{} + std::chrono::hours(1);
  http::Routes routes_ = api_routes(service_, calls_, memory_, http::ErrorFormat::kProblem, [] { return "os"; });
};

constexpr std::string_view kSend = R"({"chat":"b:a","text":"hi","sender":"a"})";

TEST_F(ApiRoutesTest, AreTheContractsPathsAndMethods) {
  using Methods = std::vector<std::string_view>;
  ASSERT_EQ(routes_.size(), 3U);
  EXPECT_EQ(route("/ping").methods, Methods{"GET"});
  EXPECT_EQ(route("/api/send").methods, Methods{"POST"});
  EXPECT_EQ(route("/api/pull").methods, (Methods{"GET", "POST"}));
}

TEST_F(ApiRoutesTest, PingIsAnsweredWithPong) {
  const http::Response response = call("/ping", "");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(response.body, R"({"message":"pong"})");
  EXPECT_THAT(response.headers, testing::Contains(testing::Pair("Parley-Durability", "os")));
}

TEST_F(ApiRoutesTest, SendPassesTheCallOnWithDeadlineAndRequestId) {
  const http::Response response = call("/api/send", kSend, {{"Idempotency-Key", "k"}});
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, R"({"chat":"a:b","send_time":7,"duplicate":false})");
  ASSERT_TRUE(service_.sent);
  EXPECT_EQ(service_.sent->chat, "b:a");
  EXPECT_EQ(service_.sent->text, "hi");
  EXPECT_EQ(service_.sent->sender, "a");
  EXPECT_EQ(service_.sent->idempotency_key, "k");
  EXPECT_EQ(service_.last_context.deadline, deadline_);
  EXPECT_EQ(service_.last_context.request_id, "req-1");
}

TEST_F(ApiRoutesTest, PullPassesTheCallOnAndHoldsMemoryForThePage) {
  {
    const http::Response response = call("/api/pull", R"({"chat":"a:b","cursor":5,"limit":1,"reverse":true})");
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, R"({"messages":[{"chat":"a:b","text":"hi","sender":"a","send_time":7}],)"
                             R"("has_more":false,"next_cursor":8})");
    EXPECT_GE(memory_.used(), response.body.size());
  }
  EXPECT_EQ(memory_.used(), 0U);
  ASSERT_TRUE(service_.pulled);
  EXPECT_EQ(service_.pulled->cursor, 5);
  EXPECT_EQ(service_.pulled->limit, 1);
  EXPECT_TRUE(service_.pulled->reverse);
  EXPECT_EQ(service_.last_context.deadline, deadline_);
}

TEST_F(ApiRoutesTest, AnswerInTheEncodingThatIsAskedFor) {
  const std::vector<http::Header> accept = {{"Accept", "application/x-protobuf"}};
  EXPECT_EQ(call("/api/send", kSend, accept).content_type, "application/x-protobuf");
  EXPECT_EQ(call("/api/pull", "{}", accept).content_type, "application/x-protobuf");
}

TEST_F(ApiRoutesTest, ErrorsAreProblemsWhateverIsAskedFor) {
  service_.error = Error{ErrorCode::kChatNotFound, "never"};
  const http::Response response = call("/api/pull", "{}", {{"Accept", "application/x-protobuf"}});
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.content_type, "application/problem+json");
  EXPECT_EQ(code(response), "chat_not_found");
  EXPECT_EQ(code(call("/api/send", kSend)), "chat_not_found");
}

TEST_F(ApiRoutesTest, ErrorsAreTextInTemplateMode) {
  routes_ = api_routes(service_, calls_, memory_, http::ErrorFormat::kTemplate, [] { return ""; });
  service_.error = Error{ErrorCode::kInvalidChat, "no colon"};
  const http::Response response = call("/api/send", kSend);
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(response.body, "no colon");
  EXPECT_TRUE(call("/api/pull", "{").body.starts_with("Failed to parse request body: "));
}

TEST_F(ApiRoutesTest, AnUnreadableRequestDoesNotReachTheService) {
  EXPECT_EQ(code(call("/api/send", "{")), "malformed_request");
  EXPECT_EQ(code(call("/api/pull", "[]")), "malformed_request");
  EXPECT_FALSE(service_.sent || service_.pulled);
}

TEST_F(ApiRoutesTest, APageThatFindsNoMemoryIsOverloadedAndASendIsNot) {
  MemoryReservation other(memory_);
  ASSERT_TRUE(other.grow(memory_.limit()));
  const http::Response pulled = call("/api/pull", "{}");
  EXPECT_EQ(pulled.status, 503);
  EXPECT_EQ(code(pulled), "overloaded");
  EXPECT_EQ(call("/api/send", kSend).status, 200);
}

}  // namespace
}  // namespace parley::api
