// A client, called from the test's thread.
#pragma once

#include <chrono>
#include <future>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include "redis/client.h"

namespace parley::redis {

class ClientTest : public testing::Test {
 protected:
  using milliseconds = std::chrono::milliseconds;
  using Outcome = CallResult::Outcome;
  using Future = std::future<CallResult>;

  explicit ClientTest(std::size_t loops = 1) : loops_(loops) {}

  static Deadline in(milliseconds time) { return std::chrono::steady_clock::now() + time; }

  /// A client that was started.
  Result<void> start(ClientOptions options, milliseconds time = milliseconds(20'000)) {
    return start_later(std::move(options), time).get();
  }
  std::future<Result<void>> start_later(ClientOptions options, milliseconds time = milliseconds(20'000)) {
    client_.reset();
    client_ = std::make_unique<Client>(loops_, std::move(options), metrics_);
    return spawn(client_->start(in(time)));
  }
  /// Why a client does not start.
  std::string complaint(ClientOptions options, milliseconds time = milliseconds(300)) {
    const auto started = start(std::move(options), time);
    return started ? "" : started.error().detail;
  }
  void stop() { client_.reset(); }

  Future call_later(std::initializer_list<std::string_view> command, CallOptions options = {}) {
    if (options.deadline == kNoDeadline) options.deadline = in(milliseconds(20'000));
    std::vector<std::string_view> words(command);
    return spawn(call_on_loop(std::string(words.size() > 1 ? words[1] : ""), format_command(words), options));
  }
  CallResult call(std::initializer_list<std::string_view> command, CallOptions options = {}) {
    return call_later(command, options).get();
  }
  CallResult run(const Script& script, std::string_view key, std::string_view argument = "", CallOptions options = {}) {
    if (options.deadline == kNoDeadline) options.deadline = in(milliseconds(20'000));
    return spawn(run_on_loop(script, key, argument, options)).get();
  }
  Result<void> ready() { return spawn(ready_on_loop()).get(); }
  std::uint64_t changes() { return spawn(changes_on_loop()).get(); }
  /// The value of a sample in /metrics, whose name and labels these are.
  double metric(const std::string& sample) const {
    const std::string text = "\n" + metrics_.text();
    const auto at = text.find("\n" + sample + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + sample.size() + 2));
  }

  template <class T>
  std::future<T> spawn(Async<T> task, std::size_t loop = 0) {
    return boost::asio::co_spawn(loops_[loop].executor(), std::move(task), boost::asio::use_future);
  }

  net::LoopPool loops_;
  MetricsRegistry metrics_;
  std::unique_ptr<Client> client_;

 private:
  Async<CallResult> call_on_loop(std::string key, std::string command, CallOptions options) {
    CallResult result = co_await client_->call(key, std::move(command), options);
    co_return result;
  }
  Async<CallResult> run_on_loop(const Script& script, std::string_view key, std::string_view argument,
                                CallOptions options) {
    CallResult result = co_await client_->run(script, {&key, 1}, {&argument, 1}, options);
    co_return result;
  }
  Task<void> ready_on_loop() { co_return client_->ready(); }
  Async<std::uint64_t> changes_on_loop() { co_return client_->changes(); }
};

}  // namespace parley::redis
