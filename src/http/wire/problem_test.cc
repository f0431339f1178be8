#include "http/wire/problem.h"

#include <string>

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

namespace parley::http {
namespace {

std::string header(const Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return "";
}

TEST(Problem, HasTheMembersOfRfc9457ForEveryRowOfTheTable) {
  for (const ErrorInfo& row : kErrorTable) {
    SCOPED_TRACE(row.name);
    const Response response = error_response({row.code, "what was \"wrong\"\n"}, ErrorFormat::kProblem, "req-1");
    EXPECT_EQ(response.status, row.http_status);
    EXPECT_EQ(response.content_type, "application/problem+json");
    EXPECT_EQ(header(response, "Parley-Code"), row.name);
    EXPECT_EQ(header(response, "Retry-After"), row.code == ErrorCode::kOverloaded ? "1" : "");

    const boost::json::object problem = boost::json::parse(response.body).as_object();
    EXPECT_EQ(problem.size(), 6U);
    EXPECT_EQ(problem.at("type").as_string(), "urn:parley:error:" + std::string(row.name));
    EXPECT_EQ(problem.at("title").as_string(), boost::json::string_view(row.title));
    EXPECT_EQ(problem.at("status").as_int64(), row.http_status);
    EXPECT_EQ(problem.at("detail").as_string(), "what was \"wrong\"\n");
    EXPECT_EQ(problem.at("code").as_string(), boost::json::string_view(row.name));
    EXPECT_EQ(problem.at("request_id").as_string(), "req-1");
  }
}

TEST(Problem, InTemplateModeIsPlainTextForEveryRowOfTheTable) {
  for (const ErrorInfo& row : kErrorTable) {
    SCOPED_TRACE(row.name);
    const Response response = error_response({row.code, "what was wrong"}, ErrorFormat::kTemplate, "req-1");
    EXPECT_EQ(response.status, row.template_status);
    EXPECT_EQ(response.content_type, "text/plain; charset=utf-8");
    EXPECT_EQ(response.body,
              row.origin == ErrorOrigin::kReading ? "Failed to parse request body: what was wrong" : "what was wrong");
    EXPECT_EQ(header(response, "Parley-Code"), row.name);
    EXPECT_EQ(header(response, "Retry-After"), row.code == ErrorCode::kOverloaded ? "1" : "");
  }
}

TEST(Problem, InTemplateModeWhatACallFailsWithIsA500) {
  const auto status_of = [](ErrorCode code) { return error_response({code, "x"}, ErrorFormat::kTemplate, "").status; };
  EXPECT_EQ(status_of(ErrorCode::kMalformedRequest), 400);
  EXPECT_EQ(status_of(ErrorCode::kInvalidChat), 500);
  EXPECT_EQ(status_of(ErrorCode::kTextTooLong), 500);
  EXPECT_EQ(status_of(ErrorCode::kBodyTooLarge), 413);
  EXPECT_EQ(status_of(ErrorCode::kUnavailable), 500);
  EXPECT_EQ(status_of(ErrorCode::kNotFound), 404);
}

TEST(Problem, LeavesOutARequestIdThatIsNotThere) {
  const Response response = error_response({ErrorCode::kInternal, "x"}, ErrorFormat::kProblem, "");
  EXPECT_FALSE(boost::json::parse(response.body).as_object().contains("request_id"));
}

TEST(Problem, SaysTheTitleWhereThereIsNoDetail) {
  const Error error{ErrorCode::kNotFound, ""};
  EXPECT_EQ(error_response(error, ErrorFormat::kTemplate, "").body, "There is nothing at this path");
}

TEST(Problem, StaysUtf8WhateverTheDetailQuotes) {
  const Error error{ErrorCode::kInvalidChat, "the chat \xff is not one"};
  const Response response = error_response(error, ErrorFormat::kProblem, "\xfe");
  const boost::json::value problem = boost::json::parse(response.body);  // throws on invalid UTF-8
  EXPECT_EQ(problem.at("detail").as_string(), "the chat \ufffd is not one");
  EXPECT_EQ(error_response(error, ErrorFormat::kTemplate, "").body, "the chat \ufffd is not one");
}

}  // namespace
}  // namespace parley::http
