// A listener and its workers, one a loop: how they start and end together.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include "base/clock.h"
#include "net/endpoint.h"
#include "net/listener.h"
#include "net/loop.h"

namespace parley::net {

/// A `Worker` is one as worker.h has it, with accept(), which serves a connection. Calls here come from one thread that
/// is none of the loops. They block. The loops must run for as long as it lives.
template <class Worker>
class Server {
 public:
  /// `name` is for the log. `make(i)` makes the worker of loop i.
  template <class Make>
  Server(LoopPool& loops, Endpoint endpoint, std::string name, Make make)
      : endpoint_(std::move(endpoint)), listener_(loops, std::move(name)) {
    for (std::size_t i = 0; i < loops.size(); ++i) workers_.push_back(make(i));
  }
  /// Waits until every connection has ended. drain() comes first.
  ~Server() { (void)wait(kNoDeadline); }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Binds, so that clients can connect. They are served from start() on. The error's detail is one line.
  [[nodiscard]] Result<void> listen() {
    auto listening = listener_.listen(endpoint_);
    if (listening) endpoint_ = listener_.endpoint();
    return listening;
  }
  /// Where it listens: after listen() with the real port.
  [[nodiscard]] const Endpoint& endpoint() const noexcept { return endpoint_; }
  /// Starts to serve. Once, after listen().
  void start() {
    listener_.start([this](Socket socket, Loop& loop) { workers_[loop.index()]->accept(std::move(socket)); });
  }
  /// Serves the backlog, stops listening, and drains every worker. Returns when no connection is left. At `deadline` it
  /// cuts those that are. Once.
  void drain(Deadline deadline) {
    listener_.close();
    on_each_loop(&Worker::drain);
    for (const auto& worker : workers_) {
      ended_.push_back(boost::asio::co_spawn(worker->loop().executor(), worker->ended(), boost::asio::use_future));
    }
    if (!wait(deadline)) on_each_loop(&Worker::cut);
  }

 private:
  /// Whether every connection has ended by `deadline`.
  [[nodiscard]] bool wait(Deadline deadline) {
    return std::ranges::all_of(ended_, [deadline](std::future<void>& ended) {
      if (deadline == kNoDeadline) ended.wait();  // wait_until() would overflow
      return ended.wait_until(std::min(deadline, std::chrono::steady_clock::now() + std::chrono::hours(24))) ==
             std::future_status::ready;
    });
  }

  void on_each_loop(void (Worker::*call)()) {
    for (const auto& worker : workers_) {
      run_on(worker->loop(), [&worker, call] { ((*worker).*call)(); });
    }
  }

  Endpoint endpoint_;
  std::vector<std::unique_ptr<Worker>> workers_;
  Listener listener_;
  std::vector<std::future<void>> ended_;
};

}  // namespace parley::net
