// What a call says of each fault, by a server that does as it is told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/log.h"
#include "redis/client_fixture.h"
#include "redis/fake_redis.h"
#include "redis/redis_server_fixture.h"

namespace parley::redis {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

class FaultTest : public ClientTest {
 protected:
  /// Options under which nothing happens by itself while a test goes from step to step.
  ClientOptions patient(std::size_t replicas = 0) const {
    return {.servers = {fake_.endpoint()},
            .replicas = replicas,
            .connect_timeout = milliseconds(20'000),
            .patience = milliseconds(20'000),
            .watch = milliseconds(20'000)};
  }
  /// The server's side of the connection that calls go to.
  FakeConnection connect(const ClientOptions& options) {
    fake_.refuse();  // what a client that was stopped has left there
    fake_.reopen();
    auto started = start_later(options);
    FakeConnection connection = fake_.accept_ready();
    EXPECT_TRUE(started.get());
    return connection;
  }
  FakeConnection connect() { return connect(patient()); }

  FakeRedis fake_;
};

TEST_F(FaultTest, ARefusalSaysThatNothingWasExecuted) {
  FakeConnection server = connect();
  for (const char* error : {"OOM command not allowed", "MISCONF errors writing", "NOREPLICAS not enough",
                            "NOAUTH Authentication required.", "NOPERM no permissions", "WRONGPASS invalid"}) {
    auto call = call_later({"GET", "key"});
    server.expect("GET key");
    server.answer("-" + std::string(error) + "\r\n");
    const CallResult result = call.get();
    EXPECT_EQ(result.outcome, Outcome::kRefused) << error;
    EXPECT_FALSE(result.sent);
    EXPECT_EQ(result.why, fake_.name() + ": " + error);
  }
  EXPECT_EQ(metric("parley_redis_errors_total{error=\"OOM\"}"), 1);
  EXPECT_EQ(metric("parley_redis_errors_total{error=\"WRONGPASS\"}"), 1);
  EXPECT_EQ(metric("parley_redis_refused_total"), 6);
}

TEST_F(FaultTest, ASentinelThatIsBeingMetDoesNotKeepTheClient) {
  ClientOptions options = patient();
  options.topology = Topology::kSentinel;
  options.master = "mymaster";
  auto started = start_later(options, milliseconds(100));
  FakeConnection sentinel = fake_.accept();
  sentinel.expect("PING");
  sentinel.answer("+PONG\r\n");
  sentinel.expect("CLIENT SETNAME parley");
  EXPECT_FALSE(started.get());
  stop();
  EXPECT_TRUE(sentinel.closed());
}

TEST_F(FaultTest, WhatPassesByItselfIsTriedAgain) {
  FakeConnection server = connect();
  for (const char* error : {"TRYAGAIN", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "BUSY"}) {
    auto call = call_later({"GET", "key"});
    for (int i = 0; i < 3; ++i) {
      server.expect("GET key");
      server.answer("-" + std::string(error) + " and so on\r\n");
    }
    server.expect("GET key");
    server.answer("$1\r\nx\r\n");
    EXPECT_EQ(call.get().reply.text, "x") << error;
    EXPECT_EQ(metric("parley_redis_errors_total{error=\"" + std::string(error) + "\"}"), 3);
  }
  EXPECT_EQ(metric("parley_redis_retries_total"), 15);
}

TEST_F(FaultTest, WhatDoesNotPassInTimeIsRefused) {
  ClientOptions options = patient();
  options.patience = milliseconds(50);
  FakeConnection server = connect(options);
  auto loading = std::async(std::launch::async, [&server] {
    try {
      for (;; server.answer("-LOADING it is\r\n")) server.expect("GET key");
    } catch (const boost::system::system_error&) {
      return;  // the client has gone
    }
  });
  const CallResult result = call({"GET", "key"});
  EXPECT_EQ(result.outcome, Outcome::kRefused);
  EXPECT_FALSE(result.sent);
  EXPECT_EQ(result.why, fake_.name() + ": LOADING it is");
  stop();
}

TEST_F(FaultTest, AReplicaIsLeftForWhoeverIsMaster) {
  FakeConnection server = connect();
  auto call = call_later({"SET", "key", "x"});
  server.expect("SET key x");
  server.answer("-READONLY You can't write against a read only replica.\r\n");
  EXPECT_TRUE(server.closed());
  FakeConnection next = fake_.accept_ready();
  next.expect("SET key x");
  next.answer("+OK\r\n");
  EXPECT_EQ(call.get().reply.text, "OK");
}

TEST_F(FaultTest, AnErrorInAScriptMayComeAfterAWrite) {
  FakeConnection server = connect();
  const Script script("whatever");
  auto call = std::async(std::launch::async, [&] { return run(script, "key"); });
  server.expect("EVALSHA " + script.sha1() + " 1 key ");
  server.answer("-NOPERM ACL failure in script\r\n");
  const CallResult result = call.get();
  EXPECT_EQ(result.outcome, Outcome::kAnswered);
  EXPECT_TRUE(result.sent);
  EXPECT_TRUE(result.reply.is_error());
}

TEST_F(FaultTest, AScriptIsSentInFullOnce) {
  FakeConnection server = connect();
  const Script script("source");
  auto call = std::async(std::launch::async, [&] { return run(script, "key", "x"); });
  server.expect("EVALSHA " + script.sha1() + " 1 key x");
  server.answer("-NOSCRIPT No matching script.\r\n");
  server.expect("EVAL source 1 key x");
  server.answer(":5\r\n");
  EXPECT_EQ(call.get().reply.integer, 5);
}

TEST_F(FaultTest, AnswersComeInTheOrderOfTheCalls) {
  FakeConnection server = connect();
  auto one = call_later({"GET", "one"});
  server.expect("GET one");
  auto two = call_later({"GET", "two"});
  server.expect("GET two");
  server.answer("$1\r\n1\r\n$1\r\n2");
  EXPECT_EQ(one.get().reply.text, "1");
  server.answer("\r\n");
  EXPECT_EQ(two.get().reply.text, "2");
}

TEST_F(FaultTest, ALostConnectionSaysWhatWasSent) {
  FakeConnection server = connect();
  auto one = call_later({"GET", "one"});
  auto two = call_later({"GET", "two"});
  server.expect("GET one");
  server.expect("GET two");
  server.answer("$1\r\n1\r\n*2\r\n$1\r\nx\r\n$5\r\nha");
  server.close();
  EXPECT_EQ(one.get().reply.text, "1");
  const CallResult lost = two.get();
  EXPECT_EQ(lost.outcome, Outcome::kLost);
  EXPECT_TRUE(lost.sent);
  EXPECT_EQ(lost.reply.type, Reply::Type::kNil);
  EXPECT_NE(lost.why, "");
}

TEST_F(FaultTest, WhatWasNotSentInFullIsSentAgain) {
  FakeConnection server = connect();
  const std::string large(std::size_t{16} << 20, 'x');
  auto call = call_later({"SET", "key", large});
  // Nothing is read, so that most of it is still on our side.
  eventually("a call is under way",
             [&] { return metric("parley_redis_in_flight{server=\"" + fake_.name() + "\"}") == 1; });
  server.reset();
  FakeConnection next = fake_.accept_ready();
  next.expect("SET key " + large);
  next.answer("+OK\r\n");
  EXPECT_EQ(call.get().reply.text, "OK");
}

TEST_F(FaultTest, WhatIsNoReplyEndsTheConnection) {
  for (const char* bytes : {"HTTP/1.1 400 Bad Request\r\n\r\n", "$-2\r\n", "*2147483648\r\n",
                            "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", ":1\r\n:2\r\n", "\r\n"}) {
    FakeConnection server = connect();
    auto call = call_later({"GET", "key"});
    server.expect("GET key");
    server.answer(bytes);
    EXPECT_TRUE(server.closed()) << bytes;
    const CallResult result = call.get();
    if (bytes[0] == ':') {
      EXPECT_EQ(result.reply.integer, 1);  // only what came after it was asked by nobody
    } else {
      EXPECT_EQ(result.outcome, Outcome::kLost) << bytes;
      EXPECT_TRUE(result.sent);
    }
    stop();
  }
}

TEST_F(FaultTest, WhatIsTooLargeIsToldToWhoeverHasAskedForIt) {
  for (const char* bytes : {"$536870912\r\n", "$9223372036854775807\r\n", "*1000000000\r\n"}) {
    FakeConnection server = connect();
    auto one = call_later({"GET", "one"});
    auto two = call_later({"GET", "two"});
    auto three = call_later({"GET", "three"});
    for (const char* name : {"one", "two", "three"}) server.expect(std::string("GET ") + name);
    server.answer("$1\r\n1\r\n" + std::string(bytes));
    EXPECT_TRUE(server.closed()) << bytes;
    EXPECT_EQ(one.get().reply.text, "1");
    const CallResult large = two.get();
    EXPECT_EQ(large.outcome, Outcome::kTooLarge);
    EXPECT_TRUE(large.sent);
    EXPECT_NE(large.why, "");
    EXPECT_EQ(three.get().outcome, Outcome::kLost);
    stop();
  }
}

TEST_F(FaultTest, AnAnswerThatIsTooLateIsNobodys) {
  FakeConnection server = connect();
  const CallResult late = call({"GET", "late"}, {.deadline = in(milliseconds(50))});
  EXPECT_EQ(late.outcome, Outcome::kExpired);
  EXPECT_TRUE(late.sent);
  auto next = call_later({"GET", "next"});
  server.expect("GET late");
  server.answer("$4\r\nlate\r\n");
  server.expect("GET next");
  server.answer("$4\r\nnext\r\n");
  EXPECT_EQ(next.get().reply.text, "next");
}

TEST_F(FaultTest, MoreCallsThanMayBeAreNotSent) {
  ClientOptions options = patient();
  options.max_in_flight = 2;
  FakeConnection server = connect(options);
  auto one = call_later({"GET", "one"});
  server.expect("GET one");
  // Nobody waits for this one's answer, which still is to come.
  EXPECT_EQ(call({"GET", "two"}, {.deadline = in(milliseconds(50))}).outcome, Outcome::kExpired);
  const CallResult three = call({"GET", "three"});
  EXPECT_EQ(three.outcome, Outcome::kFull);
  EXPECT_FALSE(three.sent);
  server.expect("GET two");
  server.answer("$1\r\n1\r\n$1\r\n2\r\n");
  EXPECT_EQ(one.get().reply.text, "1");
}

TEST_F(FaultTest, ASilentServerTakesNoCallsUntilItSpeaks) {
  ClientOptions options = patient();
  options.patience = milliseconds(200);
  options.watch = milliseconds(20);
  FakeConnection server = connect(options);
  server.expect("PING");
  eventually("it is not ready", [&] { return !ready(); });
  EXPECT_THAT(ready().error().detail, HasSubstr("the server does not answer"));
  const CallResult refused = call({"GET", "key"});
  EXPECT_EQ(refused.outcome, Outcome::kRefused);
  EXPECT_FALSE(refused.sent);
  server.answer("+PONG\r\n");
  eventually("it is ready", [&] { return ready().has_value(); });
}

/// Why a connection is not used on which the server does this.
class IntroductionTest : public FaultTest {
 protected:
  std::string complaint_about(const std::function<void(FakeConnection&)>& act, ClientOptions options) {
    FakeRedis fake;  // of its own, to which no client has yet gone again
    options.servers = {fake.endpoint()};
    EXPECT_FALSE(start(std::move(options), milliseconds(0)));
    FakeConnection server = fake.accept();
    act(server);
    std::string why;
    eventually("there is a reason", [&] {
      why = ready().error().detail;
      return !why.ends_with("not tried yet");
    });
    stop();
    EXPECT_TRUE(why.starts_with(fake.name() + ": ")) << why;
    return why.substr(fake.name().size() + 2);
  }
  /// What it says to an answer to PING.
  std::string complaint_about(const std::string& pong) {
    return complaint_about(
        [&pong](FakeConnection& server) {
          server.expect("PING");
          server.answer(pong);
        },
        patient());
  }
};

TEST_F(IntroductionTest, OneLineSaysWhyAServerCannotBeUsed) {
  EXPECT_EQ(complaint_about("HTTP/1.1 400 Bad Request\r\n\r\n"), "the server does not speak Redis' protocol");
  EXPECT_EQ(complaint_about("+HELLO\r\n"), "the server is not Redis: it does not answer PING with PONG");
  EXPECT_EQ(complaint_about("-NOAUTH Authentication required.\r\n"), "the server asks for a password: give one");
  EXPECT_EQ(complaint_about("-LOADING Redis is loading the dataset in memory\r\n"),
            "the server is still loading its data");
  EXPECT_EQ(complaint_about("-ERR max number of clients reached\r\n"),
            "the server refuses PING: ERR max number of clients reached");
  const auto close = [](FakeConnection& server) {
    server.expect("PING");
    server.close();
  };
  EXPECT_EQ(complaint_about(close, patient()), "the server closed the connection");
  const auto silent = [](FakeConnection& server) { server.expect("PING"); };
  ClientOptions options = patient();
  options.connect_timeout = milliseconds(50);
  EXPECT_EQ(complaint_about(silent, options), "the server does not answer in time");
}

TEST_F(IntroductionTest, AReplicaIsNoMaster) {
  const auto act = [](FakeConnection& server) {
    server.expect("PING");
    server.answer("+PONG\r\n");
    server.expect("ROLE");
    server.answer("*5\r\n$5\r\nslave\r\n$1\r\na\r\n:1\r\n$9\r\nconnected\r\n:1\r\n");
  };
  EXPECT_EQ(complaint_about(act, patient()), "the server is not a master: its role is slave");
}

TEST_F(IntroductionTest, APasswordIsNeverRepeated) {
  ClientOptions options = patient();
  options.password = "swordfish";
  const auto act = [](FakeConnection& server) {
    server.expect("AUTH swordfish");
    server.answer("-ERR unknown command 'AUTH', with args beginning with: 'swordfish'\r\n");
  };
  testing::internal::CaptureStderr();
  EXPECT_EQ(complaint_about(act, options), "the server refuses AUTH");
  flush_log(std::chrono::minutes(1));
  EXPECT_THAT(testing::internal::GetCapturedStderr(), testing::Not(HasSubstr("swordfish")));
  EXPECT_THAT(metrics_.text(), testing::Not(HasSubstr("swordfish")));
}

TEST_F(IntroductionTest, AServerThatCannotWriteCanBeRead) {
  auto started = start_later(patient());
  FakeConnection server = fake_.accept();
  server.expect("PING");
  server.answer("-MISCONF Errors writing to the AOF file\r\n");
  server.expect("ROLE");
  server.answer("-NOPERM this user has no permissions to run the 'role' command\r\n");
  server.expect("CLIENT SETNAME parley");
  server.answer("-ERR unknown command\r\n");
  EXPECT_TRUE(started.get());
}

// Replicas ------------------------------------------------------------------------------------------------------------

class WaitTest : public FaultTest {
 protected:
  WaitTest() {
    auto started = start_later(patient(1));
    // Which of the two is which, shows with the first call.
    one_ = std::make_unique<FakeConnection>(fake_.accept());
    two_ = std::make_unique<FakeConnection>(fake_.accept());
    (void)std::move(*one_).ready();
    (void)std::move(*two_).ready();
    EXPECT_TRUE(started.get());
  }

  /// Reads the command and the WAIT behind it, on the second connection: the first is for what is not replicated.
  void expect_replicated(std::string_view command) {
    two_->expect(command);
    EXPECT_THAT(two_->receive(), testing::StartsWith("WAIT 1 "));
  }

  std::unique_ptr<FakeConnection> one_;
  std::unique_ptr<FakeConnection> two_;
};

TEST_F(WaitTest, AnAnswerIsHeldUntilReplicasHaveConfirmedIt) {
  auto write = call_later({"SET", "key", "x"}, {.replicate = true});
  expect_replicated("SET key x");
  two_->answer("+OK\r\n");
  auto read = call_later({"GET", "key"});
  one_->expect("GET key");
  one_->answer("$1\r\nx\r\n");
  EXPECT_EQ(read.get().reply.text, "x");
  EXPECT_EQ(write.wait_for(milliseconds(20)), std::future_status::timeout);
  two_->answer(":1\r\n");
  const CallResult result = write.get();
  EXPECT_EQ(result.outcome, Outcome::kAnswered);
  EXPECT_EQ(result.reply.text, "OK");
}

TEST_F(WaitTest, TooFewReplicasAreShort) {
  for (const char* answer : {":0\r\n", "-UNBLOCKED force unblock\r\n", "+what\r\n"}) {
    auto write = call_later({"SET", "key", "x"}, {.replicate = true});
    expect_replicated("SET key x");
    two_->answer("+OK\r\n" + std::string(answer));
    const CallResult result = write.get();
    EXPECT_EQ(result.outcome, Outcome::kShort) << answer;
    EXPECT_TRUE(result.sent);
    EXPECT_EQ(result.reply.text, "OK");
    EXPECT_NE(result.why, "");
  }
}

TEST_F(WaitTest, AnErrorIsNotHeld) {
  auto write = call_later({"SET", "key", "x"}, {.replicate = true});
  expect_replicated("SET key x");
  two_->answer("-OOM no more\r\n");
  EXPECT_EQ(write.get().outcome, Outcome::kRefused);
  two_->answer(":0\r\n");
}

TEST_F(WaitTest, WhatWaitsBehindAWaitIsNotSent) {
  auto first = call_later({"SET", "key", "1"}, {.replicate = true});
  expect_replicated("SET key 1");
  const CallResult second = call({"SET", "key", "2"}, {.deadline = in(milliseconds(50)), .replicate = true});
  EXPECT_EQ(second.outcome, Outcome::kExpired);
  EXPECT_FALSE(second.sent);
  auto third = call_later({"SET", "key", "3"}, {.replicate = true});
  auto fourth = call_later({"SET", "key", "4"}, {.replicate = true});
  two_->answer("+OK\r\n:1\r\n");
  EXPECT_EQ(first.get().outcome, Outcome::kAnswered);
  two_->expect("SET key 3");
  expect_replicated("SET key 4");  // one for both
  two_->answer("+OK\r\n+OK\r\n:2\r\n");
  EXPECT_EQ(third.get().outcome, Outcome::kAnswered);
  EXPECT_EQ(fourth.get().outcome, Outcome::kAnswered);
}

TEST_F(WaitTest, AWaitThatIsLostIsLost) {
  auto write = call_later({"SET", "key", "x"}, {.replicate = true});
  expect_replicated("SET key x");
  two_->answer("+OK\r\n");
  two_->close();
  const CallResult result = write.get();
  EXPECT_EQ(result.outcome, Outcome::kLost);
  EXPECT_TRUE(result.sent);
}

TEST_F(WaitTest, AWaitEndsBeforeItsCallsDeadline) {
  auto write = call_later({"SET", "key", "x"}, {.deadline = in(milliseconds(10'000)), .replicate = true});
  two_->expect("SET key x");
  const std::string wait = two_->receive();
  ASSERT_THAT(wait, testing::StartsWith("WAIT 1 "));
  const int time = std::stoi(wait.substr(7));
  EXPECT_GT(time, 5'000);
  EXPECT_LT(time, 10'000);
  two_->answer("+OK\r\n:1\r\n");
  EXPECT_EQ(write.get().outcome, Outcome::kAnswered);
}

}  // namespace
}  // namespace parley::redis
