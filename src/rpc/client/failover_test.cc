// Which node gets a call, and when one is left out or taken back.
#include <gmock/gmock.h>

#include "base/wakeup.h"
#include "rpc/client/remote_service_fixture.h"

namespace parley::rpc {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

class FailoverTest : public RemoteServiceTest {
 protected:
  /// A service over both nodes, connected to both.
  void connect_both(ClientOptions options = patient()) {
    start({a_.endpoint(), b_.endpoint()}, options);
    to_a_.emplace(a_.accept_ready());
    to_b_.emplace(b_.accept_ready());
    ASSERT_TRUE(wait_until_started());
  }

  FakeNode a_;
  FakeNode b_;
  std::optional<FakeConnection> to_a_;
  std::optional<FakeConnection> to_b_;
};

TEST_F(FailoverTest, ALostNodesKeyedSendGoesToTheOther) {
  connect_both();
  to_b_->drain();  // so that the first attempt goes to a
  ASSERT_TRUE(to_b_->closed());
  SendFuture sent = send("hi", "key");
  (void)to_a_->receive();
  FakeConnection to_b = b_.accept_ready();
  to_a_->reset();
  to_b.stored(to_b.receive(), 5);
  EXPECT_EQ(sent.get()->send_time, 5);
}

TEST_F(FailoverTest, OfTwoNodesTheOneWithFewerCallsIsAsked) {
  connect_both();
  SendFuture first = send("first");
  while (!to_a_->pending() && !to_b_->pending()) std::this_thread::yield();
  FakeConnection& busy = to_a_->pending() ? *to_a_ : *to_b_;
  FakeConnection& idle = &busy == &*to_a_ ? *to_b_ : *to_a_;
  for (int i = 0; i < 20; ++i) {
    SendFuture next = send("next");
    idle.stored(idle.receive(), 10 + i);
    EXPECT_TRUE(next.get());
  }
  busy.stored(busy.receive(), 1);
  EXPECT_TRUE(first.get());
}

TEST_F(FailoverTest, ANodeWithoutRoomIsNotAskedWhereAnotherHasSome) {
  FakeNode c;
  ClientOptions options = patient();
  options.max_in_flight = 1;
  start({a_.endpoint(), b_.endpoint(), c.endpoint()}, options);
  std::vector<FakeConnection> nodes;
  for (FakeNode* node : {&a_, &b_, &c}) nodes.push_back(node->accept_ready());
  ASSERT_TRUE(wait_until_started());
  for (int round = 0; round < 10; ++round) {
    std::vector<SendFuture> sends;
    for (std::size_t i = 0; i < nodes.size(); ++i) sends.push_back(send("hi"));
    for (FakeConnection& node : nodes) node.stored(node.receive(), 1);
    for (SendFuture& sent : sends) EXPECT_TRUE(sent.get());
  }
}

TEST_F(FailoverTest, ADrainingNodeAnswersWhatItHasAndGetsNoMore) {
  connect_both();
  to_b_->drain();
  ASSERT_TRUE(to_b_->closed()) << "nothing was in flight there";
  SendFuture old = send("old");
  const ReceivedCall call = to_a_->receive();
  FakeConnection to_b = b_.accept_ready();
  to_a_->drain();
  const FakeConnection anew = a_.accept();  // so the old one has been left
  for (int i = 0; i < 10; ++i) {
    SendFuture next = send("next");
    to_b.stored(to_b.receive(), 10 + i);
    EXPECT_EQ(next.get()->send_time, 10 + i);
  }
  to_a_->stored(call, 1);
  EXPECT_EQ(old.get()->send_time, 1);
  EXPECT_TRUE(to_a_->closed()) << "with the last answer";
}

TEST_F(FailoverTest, SaysThatItDrainsWithAnAnswer) {
  FakeNode node;
  FakeConnection connection = connect(node);
  SendFuture sent = send("hi");
  const ReceivedCall call = connection.receive();
  const Result<service::SendResponse> stored = service::SendResponse{"a:b", 9, false};
  connection.answer(call, encode_reply(call.head, stored), true);
  EXPECT_EQ(sent.get()->send_time, 9);
  EXPECT_TRUE(connection.closed());
  FakeConnection again = node.accept_ready();
  SendFuture next = send("next");
  again.stored(again.receive(), 10);
  EXPECT_TRUE(next.get());
}

TEST_F(FailoverTest, ASilentNodesMovableCallsGoToTheOther) {
  connect_both({.probe = milliseconds(50)});
  // Neither answers its probes: both are silent. Then b is back, with what a has not answered.
  SendFuture keyed = send("keyed", "key");
  EXPECT_EQ(keyed.wait_for(milliseconds(300)), std::future_status::timeout);
  // Whoever is slow to answer is silent again, and asked again later.
  while (keyed.wait_for(milliseconds(0)) != std::future_status::ready) {
    const ReceivedCall call = to_b_->receive();
    if (std::holds_alternative<ReadyRequest>(call.request)) {
      to_b_->answer(call, Result<ReadyResponse>(ReadyResponse{"store"}));
    } else {
      EXPECT_EQ(call.send().text, "keyed");
      to_b_->stored(call, 4);
    }
  }
  const auto sent = keyed.get();
  ASSERT_TRUE(sent) << sent.error().detail;
  EXPECT_EQ(sent->send_time, 4);
}

TEST_F(FailoverTest, ANodeThatIsNotReadyIsLeftOutUntilItIs) {
  FakeNode node;
  start({node.endpoint()}, {.probe = milliseconds(20)});
  FakeConnection connection = node.accept();
  connection.answer<ReadyResponse>(connection.receive(), fail(ErrorCode::kUnavailable, "the disk failed"));
  connection.answer<ReadyResponse>(connection.receive(), fail(ErrorCode::kUnavailable, "the disk failed"));
  const Health is = health();
  EXPECT_FALSE(is.reads);
  EXPECT_THAT(is.why_not, HasSubstr("the disk failed"));
  connection.answer<ReadyResponse>(connection.receive(), ReadyResponse{"store"});
  EXPECT_TRUE(wait_until_started());
}

TEST_F(FailoverTest, ANodeThatRefusesSendsIsAskedWhereNoOtherIs) {
  start({a_.endpoint(), b_.endpoint()});
  to_a_.emplace(a_.accept());
  to_a_->answer<ReadyResponse>(to_a_->receive(),
                               ReadyResponse{.store_id = "store", .refuses_sends = "the disk failed"});
  to_b_.emplace(b_.accept_ready());
  ASSERT_TRUE(wait_until_started());
  for (int i = 0; i < 10; ++i) {
    SendFuture sent = send("hi");
    to_b_->stored(to_b_->receive(), i);
    EXPECT_TRUE(sent.get());
  }
  EXPECT_TRUE(health().writes);
  to_b_->drain();
  ASSERT_TRUE(to_b_->closed());
  const Health is = health();
  EXPECT_TRUE(is.reads);
  EXPECT_FALSE(is.writes);
  EXPECT_THAT(is.why_not, HasSubstr("the disk failed"));
  PullFuture pulled = pull();
  to_a_->answer<service::PullResponse>(to_a_->receive(), service::PullResponse{"a:b", {{}, false, 5}});
  EXPECT_TRUE(pulled.get());
  SendFuture repeated = send("hi", "key");
  to_a_->stored(to_a_->receive(), 1, true);
  EXPECT_TRUE(repeated.get()->duplicate) << "it knows what it has stored, and what to say of other sends";
}

TEST_F(FailoverTest, ANodeOverAnotherStoreIsRefused) {
  start({a_.endpoint(), b_.endpoint()});
  to_a_.emplace(a_.accept_ready("one"));
  to_b_.emplace(b_.accept_ready("two"));
  const auto started = wait_until_started();
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().detail, HasSubstr("do not share one store"));
}

TEST_F(FailoverTest, WhenAllNodesAreOverAnotherStoreItIsUsed) {
  start({a_.endpoint(), b_.endpoint()});
  to_a_.emplace(a_.accept_ready("one"));
  to_b_.emplace(b_.accept_ready("one"));
  ASSERT_TRUE(wait_until_started());
  to_a_->reset();
  to_a_.emplace(a_.accept_ready("two"));
  for (int i = 0; i < 10; ++i) {
    SendFuture sent = send("hi");
    to_b_->stored(to_b_->receive(), i);
    EXPECT_TRUE(sent.get()) << "only where the others are";
  }
  to_b_->reset();
  to_b_.emplace(b_.accept_ready("two"));
  SendFuture sent = send("hi");
  to_b_->stored(to_b_->receive(), 20);
  EXPECT_TRUE(sent.get());
}

TEST_F(FailoverTest, AForeignServerBesideANodeOfOursIsRefused) {
  ClientOptions options = patient();
  options.wait = milliseconds(20'000);
  start({a_.endpoint(), b_.endpoint()}, options);
  to_a_.emplace(a_.accept_ready("one"));
  to_b_.emplace(b_.accept());
  const ReceivedCall call = to_b_->receive();
  const Deadline last = std::chrono::steady_clock::now() + milliseconds(20'000);
  while (!health().writes && std::chrono::steady_clock::now() < last) {
  }  // until a is known, so that b is the one that does not fit
  to_b_->answer(call, encode_reply(call.head, ApplicationException{ExceptionType::kUnknownMethod, "Ready"}));
  to_b_.emplace(b_.accept());
  const auto started = wait_until_started();
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().detail, HasSubstr("foreign servers"));
  SendFuture sent = send("hi", "key");
  EXPECT_EQ(to_a_->receive().send().text, "hi");
  to_a_->reset();
  EXPECT_EQ(sent.wait_for(milliseconds(300)), std::future_status::timeout) << "it waits for a, whatever b is";
  FakeConnection again = a_.accept_ready("one");
  again.stored(again.receive(), 1);
  EXPECT_TRUE(sent.get());
}

TEST_F(FailoverTest, ARelayOfAForeignServerIsSentNothingTwice) {
  start({a_.endpoint(), b_.endpoint()});
  to_a_.emplace(a_.accept_ready(""));
  to_b_.emplace(b_.accept_ready(""));
  ASSERT_TRUE(wait_until_started());
  to_b_->drain();  // so that the first attempt goes to a
  ASSERT_TRUE(to_b_->closed());
  SendFuture sent = send("hi", "a key, which is known to nobody");
  const ReceivedCall call = to_a_->receive();
  FakeConnection to_b = b_.accept_ready("");
  to_a_->answer<service::SendResponse>(call, fail(ErrorCode::kOutcomeUnknown, "the connection broke"));
  EXPECT_EQ(error_of(sent), ErrorCode::kOutcomeUnknown);
}

/// What servers throw that have no Ready: Apache's and Kitex', and Kitex' of late.
class ForeignServerTest : public FailoverTest, public testing::WithParamInterface<ExceptionType> {
 protected:
  /// The connection to it once that is known: as Kitex does, it closes the one that it was asked for Ready on.
  FakeConnection connect_foreign() {
    start({node_.endpoint()});
    {
      FakeConnection connection = node_.accept();
      const ReceivedCall call = connection.receive();
      EXPECT_TRUE(std::holds_alternative<ReadyRequest>(call.request));
      connection.answer(call, encode_reply(call.head, ApplicationException{GetParam(), "Ready"}));
      EXPECT_TRUE(connection.closed());
    }
    FakeConnection connection = node_.accept();
    EXPECT_TRUE(wait_until_started());
    return connection;
  }

 private:
  FakeNode node_;
};

INSTANTIATE_TEST_SUITE_P(All, ForeignServerTest,
                         testing::Values(ExceptionType::kUnknownMethod, ExceptionType::kUnknownService));

TEST_P(ForeignServerTest, IsTakenAsItIs) {
  FakeConnection connection = connect_foreign();
  SendFuture sent = send("hi");
  connection.answer<service::SendResponse>(connection.receive(), service::SendResponse{});
  const auto response = sent.get();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->chat, "a:b");
  EXPECT_EQ(response->send_time, 0);
}

TEST_P(ForeignServerTest, HasCodesOfItsOwn) {
  FakeConnection connection = connect_foreign();
  SendFuture sent = send("hi");
  connection.answer<service::SendResponse>(connection.receive(), fail(ErrorCode::kUnavailable, "not so"));
  const auto send_result = sent.get();
  ASSERT_FALSE(send_result);
  EXPECT_EQ(send_result.error().code, ErrorCode::kBadUpstream);
  EXPECT_THAT(send_result.error().detail, HasSubstr("not so"));
  PullFuture pulled = pull();
  connection.answer<service::PullResponse>(connection.receive(), fail(ErrorCode::kChatNotFound, "not so"));
  EXPECT_EQ(error_of(pulled), ErrorCode::kBadUpstream);
}

TEST_P(ForeignServerTest, IsSentNothingTwice) {
  FakeConnection connection = connect_foreign();
  SendFuture sent = send("hi", "a key, which it does not know");
  (void)connection.receive();
  connection.close();
  EXPECT_EQ(error_of(sent), ErrorCode::kOutcomeUnknown);
}

TEST_P(ForeignServerTest, MayHaveStoredBeforeItThrewWhatAnotherOneThrew) {
  FakeConnection connection = connect_foreign();
  SendFuture sent = send("hi");
  const ReceivedCall call = connection.receive();
  connection.answer(call, encode_reply(call.head, ApplicationException{GetParam(), "from a server behind"}));
  EXPECT_EQ(error_of(sent), ErrorCode::kBadUpstream);
}

TEST_P(ForeignServerTest, IsNotAskedForACallThatItLacks) {
  FakeConnection connection = connect_foreign();
  CallFuture asked = call(service::Effect::kReads);
  EXPECT_EQ(error_of(asked), ErrorCode::kNotSupported);
  SendFuture sent = send("hi");
  const ReceivedCall received = connection.receive();
  EXPECT_TRUE(std::holds_alternative<service::SendRequest>(received.request)) << "the call came first";
  connection.stored(received, 1);
  EXPECT_TRUE(sent.get());
}

TEST_F(FailoverTest, AGoneNodeIsTriedAgainAndAgain) {
  FakeNode node;
  FakeConnection connection = connect(node);
  node.refuse();
  connection.close();
  while (health().writes) std::this_thread::yield();
  node.reopen();
  FakeConnection again = node.accept_ready();
  EXPECT_TRUE(wait_until_started());
}

/// Answers what the test last said, also to a service that outlives it.
class FakeNames {
 public:
  net::Resolve resolve() {
    return [known = known_](const net::Endpoint&, const std::stop_token&) { return look_up(known); };
  }
  void set(net::Addresses addresses) {
    const std::scoped_lock lock(known_->mutex);
    known_->addresses = std::move(addresses);
  }
  /// How often.
  [[nodiscard]] int asked() const { return known_->asked.load(); }

 private:
  struct Known {
    std::mutex mutex;
    net::Addresses addresses;
    std::atomic<int> asked = 0;
  };

  static Task<net::Addresses> look_up(std::shared_ptr<Known> known) {
    ++known->asked;
    const std::scoped_lock lock(known->mutex);
    if (known->addresses.empty()) co_return fail(ErrorCode::kUnavailable, "no such host");
    co_return known->addresses;
  }

  std::shared_ptr<Known> known_ = std::make_shared<Known>();
};

/// The name "slow.test" is never found; others have this address.
Task<net::Addresses> resolve_or_hang(net::Endpoint name, boost::asio::ip::tcp::endpoint address, std::stop_token stop) {
  if (name.host != "slow.test") co_return net::Addresses(1, address);
  Wakeup stopped;
  const std::stop_callback on_stop(std::move(stop), [&stopped] { stopped.wake(); });
  co_await stopped.wait();
  co_return fail(ErrorCode::kUnavailable, "stopped");
}

TEST_F(FailoverTest, ANameThatTakesItsTimeKeepsNobodyWaiting) {
  const auto resolve = [this](const net::Endpoint& name, std::stop_token stop) {
    return resolve_or_hang(name, b_.address(), std::move(stop));
  };
  start({{"slow.test", 1}, a_.endpoint(), {"nodes.test", 1}}, patient(), resolve);
  to_a_.emplace(a_.accept_ready());
  to_b_.emplace(b_.accept_ready());
  while (!health().writes) std::this_thread::yield();
}

TEST_F(FailoverTest, NodesComeAndGoWithTheName) {
  FakeNames names;
  names.set({a_.address()});
  start({{"nodes.test", 1}}, {.probe = milliseconds(60'000), .refresh = milliseconds(20)}, names.resolve());
  FakeConnection to_a = a_.accept_ready();
  ASSERT_TRUE(wait_until_started());
  SendFuture old = send("old");
  const ReceivedCall call = to_a.receive();

  names.set({b_.address()});
  FakeConnection to_b = b_.accept_ready();
  SendFuture next = send("next");
  to_b.stored(to_b.receive(), 2);
  EXPECT_EQ(next.get()->send_time, 2);
  to_a.stored(call, 1);
  EXPECT_EQ(old.get()->send_time, 1) << "what was in flight at the removed node";
  EXPECT_TRUE(to_a.closed());
}

TEST_F(FailoverTest, TheOnlyNodeThatComesBackElsewhereIsFoundAtOnce) {
  FakeNames names;
  names.set({a_.address()});
  start({{"nodes.test", 1}}, patient(), names.resolve());  // whose next look at the name is a minute away
  FakeConnection to_a = a_.accept_ready();
  ASSERT_TRUE(wait_until_started());
  SendFuture early = send("early");
  to_a.stored(to_a.receive(), 1);
  ASSERT_TRUE(early.get());
  names.set({b_.address()});
  a_.refuse();
  to_a.close();
  SendFuture sent = send("hi");
  FakeConnection to_b = b_.accept_ready();
  to_b.stored(to_b.receive(), 2);
  EXPECT_EQ(sent.get()->send_time, 2);
}

TEST_F(FailoverTest, WhileNoNodeCanBeUsedTheNameIsLookedUpAgainAndAgainButNotAllTheTime) {
  FakeNames names;
  names.set({a_.address()});
  start({{"nodes.test", 1}}, patient(), names.resolve());
  FakeConnection to_a = a_.accept_ready();
  ASSERT_TRUE(wait_until_started());
  a_.refuse();
  const int before = names.asked();
  const auto began = std::chrono::steady_clock::now();
  to_a.close();
  while (names.asked() < before + 4) std::this_thread::yield();
  EXPECT_GE(std::chrono::steady_clock::now() - began, 2 * Resolver::kHurried);
  names.set({b_.address()});
  FakeConnection to_b = b_.accept_ready();
  EXPECT_TRUE(wait_until_started());
}

TEST_F(FailoverTest, ANameWithoutAddressesKeepsThoseThatItHad) {
  FakeNames names;
  names.set({a_.address()});
  start({{"nodes.test", 1}}, {.probe = milliseconds(60'000), .refresh = milliseconds(10)}, names.resolve());
  FakeConnection to_a = a_.accept_ready();
  ASSERT_TRUE(wait_until_started());
  names.set({});
  SendFuture sent = send("hi");
  EXPECT_EQ(sent.wait_for(milliseconds(100)), std::future_status::timeout);
  to_a.stored(to_a.receive(), 1);
  EXPECT_TRUE(sent.get());
}

}  // namespace
}  // namespace parley::rpc
