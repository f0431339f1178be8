// A link to Redis that a test breaks.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>

#include "base/task.h"
#include "net/endpoint.h"

namespace parley::store {

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
  using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>;
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
      boost::system::error_code away;
      co_await pair->server.async_connect({boost::asio::ip::address_v4::loopback(), server_},
                                          boost::asio::redirect_error(kAwait, away));
      if (away) continue;
      boost::asio::co_spawn(io_, forward(pair, pair->client, pair->server, questions_, true), boost::asio::detached);
      boost::asio::co_spawn(io_, forward(pair, pair->server, pair->client, answers_, false), boost::asio::detached);
    }
  }

  Async<> forward(PairPtr pair, Socket& from, Socket& to, std::int64_t& left, bool questions) {
    std::array<char, 4096> bytes{};
    for (;;) {
      boost::system::error_code error;
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
    if (kept_ && kept_->first == pair) co_return;
    // What was forwarded last may still be on its way; a shutdown lets it arrive.
    boost::system::error_code ignored;
    if (pair->server.is_open()) pair->server.shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
    if (pair->client.is_open()) pair->client.close(ignored);
  }

  Async<> deliver_kept() {
    if (!kept_) co_return;
    auto [pair, question] = *std::exchange(kept_, std::nullopt);
    co_await boost::asio::async_write(pair->server, boost::asio::buffer(question), kAwait);
    // The server closes behind its answer. What forwards answers may still read them, too.
    boost::system::error_code error;
    pair->server.shutdown(boost::asio::ip::tcp::socket::shutdown_send, error);
    for (std::array<char, 4096> answer{}; !error;) {
      co_await pair->server.async_read_some(boost::asio::buffer(answer), boost::asio::redirect_error(kAwait, error));
    }
  }

  std::uint16_t server_;
  boost::asio::io_context io_{1};
  boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, Executor> acceptor_{
      io_, {boost::asio::ip::address_v4::loopback(), 0}};
  std::thread thread_;
  std::atomic<bool> broken_{false};
  // The thread's alone:
  std::int64_t questions_ = -1;  // bytes until the break; negative: none is due
  std::int64_t answers_ = -1;
  bool keep_next_ = false;
  std::optional<std::pair<PairPtr, std::string>> kept_;
};

}  // namespace parley::store
