// Links to Redis that break at every byte: nothing is lost, nothing is doubled.
#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <thread>

#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <gmock/gmock.h>

#include "store/redis/store_fixture.h"

namespace parley::store {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

/// A link to a server on this machine that breaks where it is told to. A thread of its own.
class BreakingLink {
 public:
  explicit BreakingLink(std::uint16_t server) : server_(server) {
    boost::asio::co_spawn(io_, accept(), boost::asio::detached);
    thread_ = std::thread([this] { io_.run(); });
  }
  ~BreakingLink() {
    io_.stop();
    thread_.join();
  }
  BreakingLink(const BreakingLink&) = delete;
  BreakingLink& operator=(const BreakingLink&) = delete;

  [[nodiscard]] net::Endpoint endpoint() const { return {"127.0.0.1", acceptor_.local_endpoint().port()}; }

  // What comes next: after so many bytes of questions, or of answers, the connection breaks. Once.
  void break_question(std::int64_t after) { set(questions_, after); }
  void break_answer(std::int64_t after) { set(answers_, after); }
  /// The next question is kept on its way while its connection breaks on the asking side.
  void keep_question() {
    boost::asio::post(io_, [this] { keep_next_ = true; });
  }
  /// Whether it happened.
  [[nodiscard]] bool broke() const { return broken_; }

  /// Delivers what was kept, and waits until the server has answered to it.
  void deliver() { boost::asio::co_spawn(io_, deliver_kept(), boost::asio::use_future).get(); }

 private:
  using Socket = boost::asio::basic_stream_socket<tcp, Executor>;
  struct Pair {
    Socket client;
    Socket server;
  };
  using PairPtr = std::shared_ptr<Pair>;

  void set(std::int64_t& counter, std::int64_t after) {
    boost::asio::post(io_, boost::asio::use_future([this, &counter, after] {
                        counter = after;
                        broken_ = false;
                      }))
        .get();
  }

  Async<> accept() {
    for (;;) {
      auto pair = std::make_shared<Pair>(Pair{Socket(io_), Socket(io_)});
      co_await acceptor_.async_accept(pair->client, kAwait);
      co_await pair->server.async_connect({boost::asio::ip::address_v4::loopback(), server_}, kAwait);
      boost::asio::co_spawn(io_, forward(pair, pair->client, pair->server, questions_, true), boost::asio::detached);
      boost::asio::co_spawn(io_, forward(pair, pair->server, pair->client, answers_, false), boost::asio::detached);
    }
  }

  Async<> forward(PairPtr pair, Socket& from, Socket& to, std::int64_t& left, bool questions) {
    std::array<char, 4096> bytes{};
    for (;;) {
      error_code error;
      const std::size_t size =
          co_await from.async_read_some(boost::asio::buffer(bytes), boost::asio::redirect_error(kAwait, error));
      if (error) break;
      if (questions && std::exchange(keep_next_, false)) {
        kept_ = {pair, std::string(bytes.data(), size)};
        broken_ = true;
        pair->client.close();
        co_return;
      }
      const bool last = left >= 0 && left <= static_cast<std::int64_t>(size);
      const std::size_t through = last ? static_cast<std::size_t>(left) : size;
      if (left >= 0) left -= static_cast<std::int64_t>(through);
      co_await boost::asio::async_write(to, boost::asio::buffer(bytes, through),
                                        boost::asio::redirect_error(kAwait, error));
      if (error) break;
      if (last) {
        left = -1;
        broken_ = true;
        break;
      }
    }
    // What was forwarded last may still be on its way; a shutdown lets it arrive.
    error_code ignored;
    if (pair->server.is_open()) pair->server.shutdown(tcp::socket::shutdown_send, ignored);
    if (kept_ && kept_->first == pair) co_return;
    if (pair->client.is_open()) pair->client.close(ignored);
  }

  Async<> deliver_kept() {
    if (!kept_) co_return;
    auto [pair, question] = *std::exchange(kept_, std::nullopt);
    co_await boost::asio::async_write(pair->server, boost::asio::buffer(question), kAwait);
    std::array<char, 4096> answer{};
    error_code ignored;
    co_await pair->server.async_read_some(boost::asio::buffer(answer), boost::asio::redirect_error(kAwait, ignored));
  }

  std::uint16_t server_;
  boost::asio::io_context io_{1};
  boost::asio::basic_socket_acceptor<tcp, Executor> acceptor_{io_, {boost::asio::ip::address_v4::loopback(), 0}};
  std::thread thread_;
  std::atomic<bool> broken_{false};
  // The thread's alone:
  std::int64_t questions_ = -1;  // bytes until the break; negative: none is due
  std::int64_t answers_ = -1;
  bool keep_next_ = false;
  std::optional<std::pair<PairPtr, std::string>> kept_;
};

class RedisLinkTest : public RedisStoreFixture {
 protected:
  void SetUp() override { store_ = RedisStoreFixture::open(client_of(link_.endpoint()), options()); }

  /// Appends one message after the other while each breaks its link at another byte, until one is through before that.
  void break_everywhere(void (BreakingLink::*break_after)(std::int64_t), const std::string& key, std::int64_t step) {
    std::vector<std::string> expected;
    std::int64_t before = 0;
    for (std::int64_t at = 0; at == 0 || link_.broke(); at += step) {
      ++now_;
      expected.push_back("text " + std::to_string(at));
      (link_.*break_after)(at);
      const auto appended =
          start_append({chat_of("a:b"), "a", expected.back(), key.empty() ? "" : key + expected.back()},
                       in(std::chrono::seconds(30)), 0)
              .get();
      ASSERT_TRUE(appended) << at << ": " << appended.error().detail;
      EXPECT_GT(appended->send_time, before);
      before = appended->send_time;
      ASSERT_LT(at, 2000);
    }
    (link_.*break_after)(-1);
    EXPECT_GT(expected.size(), 3U);
    EXPECT_EQ(texts("a:b"), expected);
  }

  BreakingLink link_{server_.port()};
};

TEST_F(RedisLinkTest, AnswersBreakAtEveryByte) {
  break_everywhere(&BreakingLink::break_answer, "", 1);
  EXPECT_THAT(metrics_.text(), testing::ContainsRegex("parley_store_replies_settled_total [1-9]"));
}
TEST_F(RedisLinkTest, WhatIsSettledIsConfirmedByReplicas) {
  redis::RedisServer replica(durable_redis());
  (void)replica.ask({"REPLICAOF", "127.0.0.1", std::to_string(server_.port())});
  redis::eventually("the replica follows",
                    [&] { return replica.field({"INFO", "replication"}, "master_link_status") == "up"; });
  redis::ClientOptions servers = client_of(link_.endpoint());
  servers.replicas = 1;
  store_ = RedisStoreFixture::open(servers, options());
  break_everywhere(&BreakingLink::break_answer, "", 5);
  EXPECT_THAT(metrics_.text(), testing::ContainsRegex("parley_store_replies_settled_total [1-9]"));
  EXPECT_NE(replica.field({"INFO", "commandstats"}, "cmdstat_persist"), "");
}
TEST_F(RedisLinkTest, AnswersToKeyedSendsBreakAtEveryByte) { break_everywhere(&BreakingLink::break_answer, "key", 1); }
TEST_F(RedisLinkTest, QuestionsBreakAnywhere) { break_everywhere(&BreakingLink::break_question, "", 7); }
TEST_F(RedisLinkTest, QuestionsOfKeyedSendsBreakAnywhere) {
  break_everywhere(&BreakingLink::break_question, "key", 31);
}

TEST_F(RedisLinkTest, ASendWhoseTimeWasRefusedIsSettledToo) {
  // The server knows a later time than the node, so that every send takes the second step; no byte of it is spared.
  std::vector<std::string> expected;
  for (std::int64_t at = 0; at == 0 || link_.broke(); at += 11) {
    const std::string chat = "a:b" + std::to_string(at);
    (void)server_.ask(
        {"XADD", "parley:{c" + chat + "}", std::to_string(kStart + 1'000'000) + "-0", "s", "0", "t", "first"});
    link_.break_answer(at);
    const auto appended = start_append({chat_of(chat), "a", "second", ""}, in(std::chrono::seconds(30)), 0).get();
    ASSERT_TRUE(appended) << at << ": " << appended.error().detail;
    EXPECT_FALSE(appended->duplicate);
    EXPECT_EQ(appended->send_time, kStart + 1'000'001);
    EXPECT_THAT(texts(chat), testing::ElementsAre("first", "second"));
    ASSERT_LT(at, 2000);
  }
  link_.break_answer(-1);
}

TEST_F(RedisLinkTest, ALateCommandStoresNothing) {
  for (const char* key : {"", "key"}) {
    const std::string chat = std::string("a:b") + key;
    stored(chat, "a", "first");
    ++now_;
    link_.keep_question();
    const auto appended = start_append({chat_of(chat), "a", "second", key}, in(std::chrono::seconds(30)), 0).get();
    ASSERT_TRUE(appended) << appended.error().detail;
    ASSERT_TRUE(link_.broke());
    link_.deliver();
    EXPECT_THAT(texts(chat), testing::ElementsAre("first", "second"));
  }
}

TEST_F(RedisLinkTest, WhereTheDeadlineComesFirstTheOutcomeIsUnknown) {
  stored("a:b", "a", "first");
  server_.freeze();
  const auto frozen = start_append({chat_of("a:b"), "a", "second", ""}, in(std::chrono::milliseconds(200)), 0).get();
  EXPECT_EQ(code_of(frozen), ErrorCode::kOutcomeUnknown);
  const auto read = run(store_->read(chat_of("a:b"), {}, in(std::chrono::milliseconds(200))));
  EXPECT_FALSE(read);
  server_.thaw();
}

}  // namespace
}  // namespace parley::store
