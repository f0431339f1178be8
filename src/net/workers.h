// The workers of a listener, one a loop, and how they end together.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <future>
#include <memory>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>

#include "base/clock.h"
#include "net/loop.h"

namespace parley::net {

/// A `Worker` serves a listener's connections on its loop(). drain() ends those that it can, cut() closes all, and
/// ended() suspends until none is left; the three are called on the loop. Calls here come from one thread that is none
/// of the loops; they block.
template <class Worker>
class Workers {
 public:
  /// `make(i)` makes the worker of loop i.
  template <class Make>
  Workers(std::size_t count, Make make) {
    for (std::size_t i = 0; i < count; ++i) workers_.push_back(make(i));
  }

  [[nodiscard]] Worker& operator[](std::size_t index) noexcept { return *workers_[index]; }

  /// Drains all, and cuts what is left at `deadline`. Once.
  void drain(Deadline deadline) {
    on_each_loop(&Worker::drain);
    for (const auto& worker : workers_) {
      ended_.push_back(boost::asio::co_spawn(worker->loop().executor(), worker->ended(), boost::asio::use_future));
    }
    if (!wait(deadline)) on_each_loop(&Worker::cut);
  }

  /// Whether every connection has ended by `deadline`. After drain().
  [[nodiscard]] bool wait(Deadline deadline) {
    return std::ranges::all_of(ended_, [deadline](std::future<void>& ended) {
      if (deadline == kNoDeadline) ended.wait();  // wait_until() would overflow
      return ended.wait_until(std::min(deadline, std::chrono::steady_clock::now() + std::chrono::hours(24))) ==
             std::future_status::ready;
    });
  }

 private:
  void on_each_loop(void (Worker::*call)()) {
    for (const auto& worker : workers_) {
      const auto run = [&worker, call] { ((*worker).*call)(); };
      boost::asio::post(worker->loop().executor(), boost::asio::use_future(run)).get();
    }
  }

  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::future<void>> ended_;
};

}  // namespace parley::net
