#include "rpc/client/verdict.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley::rpc {
namespace {

using Outcome = CallResult::Outcome;
using Next = Verdict<service::SendResponse>::Next;
using enum RequestKind;

struct Case {
  Outcome outcome;
  bool sent;
  RequestKind kind;
  ErrorCode code;
  Next next;
  bool maybe_stored;
};

TEST(Verdict, OfACallWithoutAnAnswer) {
  const std::vector<Case> cases = {
      {Outcome::kExpired, true, kSend, ErrorCode::kOutcomeUnknown, Next::kStop, true},
      {Outcome::kExpired, true, kKeyedSend, ErrorCode::kOutcomeUnknown, Next::kStop, true},
      {Outcome::kExpired, false, kSend, ErrorCode::kOverloaded, Next::kStop, false},
      {Outcome::kLost, true, kSend, ErrorCode::kOutcomeUnknown, Next::kStop, true},
      {Outcome::kLost, true, kKeyedSend, ErrorCode::kOutcomeUnknown, Next::kAgain, true},
      {Outcome::kLost, false, kSend, ErrorCode::kUnavailable, Next::kAgain, false},
      {Outcome::kLost, false, kKeyedSend, ErrorCode::kUnavailable, Next::kAgain, false},
      {Outcome::kNonsense, true, kSend, ErrorCode::kBadUpstream, Next::kStop, true},
      {Outcome::kNonsense, true, kKeyedSend, ErrorCode::kBadUpstream, Next::kElsewhere, true},
      {Outcome::kNonsense, false, kSend, ErrorCode::kUnavailable, Next::kAgain, false},
      {Outcome::kFull, false, kSend, ErrorCode::kOverloaded, Next::kStop, false},
  };
  for (const Case& one : cases) {
    const auto verdict = judge_send({.outcome = one.outcome, .sent = one.sent}, one.kind, Codes::kOurs);
    ASSERT_FALSE(verdict.response);
    EXPECT_EQ(verdict.response.error().code, one.code) << &one - cases.data();
    EXPECT_EQ(verdict.next, one.next) << &one - cases.data();
    EXPECT_EQ(verdict.maybe_stored, one.maybe_stored) << &one - cases.data();
  }
}

TEST(Verdict, APullIsNeverUnknown) {
  using PullNext = Verdict<service::PullResponse>::Next;
  const auto lost = judge_pull({.outcome = Outcome::kLost, .sent = true}, Codes::kOurs, {});
  EXPECT_EQ(lost.response.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(lost.next, PullNext::kAgain);
  const auto expired = judge_pull({.outcome = Outcome::kExpired, .sent = true}, Codes::kOurs, {});
  EXPECT_EQ(expired.response.error().code, ErrorCode::kOverloaded);
  EXPECT_EQ(expired.next, PullNext::kStop);
}

TEST(Verdict, OfANodesCode) {
  const auto judged = [](ErrorCode code, RequestKind kind, Codes codes = Codes::kOurs) {
    const Result<service::SendResponse> response = fail(code, "why");
    return judge_send({.outcome = Outcome::kAnswered,
                       .sent = true,
                       .message = encode_reply({.method = "Send", .sequence_id = 1}, response)},
                      kind, codes);
  };
  for (const ErrorInfo& row : kErrorTable) {
    const ErrorCode expected = row.origin != ErrorOrigin::kHttp ? row.code : ErrorCode::kBadUpstream;
    EXPECT_EQ(judged(row.code, kSend).response.error().code, expected) << row.name;
    const Next next = row.code == ErrorCode::kNotSupported ? Next::kElsewhere : Next::kStop;
    EXPECT_EQ(judged(row.code, kSend).next, next) << row.name;
    const auto foreign = judged(row.code, kKeyedSend, Codes::kForeign);
    EXPECT_EQ(foreign.response.error().code, ErrorCode::kBadUpstream) << row.name;
    EXPECT_THAT(foreign.response.error().detail, testing::EndsWith(": why")) << row.name;
    EXPECT_EQ(foreign.next, Next::kStop) << row.name;
  }
  EXPECT_EQ(judged(ErrorCode::kIdempotencyConflict, kSend).response.error().code, ErrorCode::kIdempotencyConflict);
  EXPECT_EQ(judged(ErrorCode::kNotFound, kSend).response.error().code, ErrorCode::kBadUpstream);
  EXPECT_EQ(judged(ErrorCode::kUnavailable, kKeyedSend).next, Next::kElsewhere);
  EXPECT_EQ(judged(ErrorCode::kOutcomeUnknown, kKeyedSend).next, Next::kElsewhere);
  EXPECT_TRUE(judged(ErrorCode::kOutcomeUnknown, kKeyedSend).maybe_stored);
  EXPECT_EQ(judged(ErrorCode::kOverloaded, kKeyedSend).next, Next::kStop);
  EXPECT_EQ(judged(static_cast<ErrorCode>(-1), kSend).response.error().code, ErrorCode::kBadUpstream);
}

TEST(Verdict, WhatMayBeStoredIsNotDenied) {
  for (const ErrorInfo& row : kErrorTable) {
    const bool stays = row.effect == ErrorEffect::kRefused && row.code != ErrorCode::kNotSupported;
    EXPECT_EQ(in_view_of_earlier({row.code, ""}, true).code, stays ? row.code : ErrorCode::kOutcomeUnknown) << row.name;
    EXPECT_EQ(in_view_of_earlier({row.code, ""}, false).code, row.code) << row.name;
  }
  EXPECT_EQ(in_view_of_earlier({ErrorCode::kUnavailable, ""}, true).code, ErrorCode::kOutcomeUnknown);
  EXPECT_EQ(in_view_of_earlier({ErrorCode::kInternal, ""}, true).code, ErrorCode::kOutcomeUnknown);
  EXPECT_EQ(in_view_of_earlier({ErrorCode::kIdempotencyConflict, ""}, true).code, ErrorCode::kIdempotencyConflict);
}

}  // namespace
}  // namespace parley::rpc
