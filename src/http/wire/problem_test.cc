#include "http/wire/problem.h"

#include <map>
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
  for (const ErrorInfo& row : error_table()) {
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
  const std::map<std::string_view, int> kept = {{"malformed_request", 400}, {"origin_not_allowed", 403},
                                                {"not_found", 404},         {"method_not_allowed", 405},
                                                {"request_timeout", 408},   {"body_too_large", 413},
                                                {"headers_too_large", 431}, {"unsupported_media_type", 415}};
  for (const ErrorInfo& row : error_table()) {
    SCOPED_TRACE(row.name);
    const Response response = error_response({row.code, "what was wrong"}, ErrorFormat::kTemplate, "req-1");
    const auto found = kept.find(row.name);
    EXPECT_EQ(response.status, found == kept.end() ? 500 : found->second);
    EXPECT_EQ(response.content_type, "text/plain; charset=utf-8");
    EXPECT_EQ(response.body,
              row.name == "malformed_request" ? "Failed to parse request body: what was wrong" : "what was wrong");
    EXPECT_EQ(header(response, "Parley-Code"), row.name);
    EXPECT_EQ(header(response, "Retry-After"), row.code == ErrorCode::kOverloaded ? "1" : "");
  }
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
