// A RemoteService over fake nodes, called from the test's thread.
#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <api.pb.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include "rpc/client/fake_node.h"
#include "rpc/client/remote_service.h"

namespace parley::rpc {

class RemoteServiceTest : public testing::Test {
 protected:
  using milliseconds = std::chrono::milliseconds;
  using SendFuture = std::future<Result<service::SendResponse>>;
  using PullFuture = std::future<Result<service::PullResponse>>;
  using CallFuture = std::future<Result<service::ProtobufPtr>>;

  /// Options under which nothing happens by itself while a test goes from step to step.
  static ClientOptions patient() { return {.probe = milliseconds(60'000), .refresh = milliseconds(60'000)}; }

  void start(std::vector<net::Endpoint> nodes, ClientOptions options = patient(),
             net::Resolve resolve = net::resolve_by_system) {
    service_ = std::make_unique<RemoteService>(loops_, std::move(nodes), service::ServiceLimits{}, options, metrics_,
                                               std::move(resolve));
  }
  /// A service over this one node, and the node's side of its connection.
  FakeConnection connect(FakeNode& node, ClientOptions options = patient()) {
    start({node.endpoint()}, options);
    FakeConnection connection = node.accept_ready();
    EXPECT_TRUE(wait_until_started());
    return connection;
  }
  Result<void> wait_until_started(milliseconds time = milliseconds(20'000)) {
    return service_->wait_until_started(std::chrono::steady_clock::now() + time);
  }

  SendFuture send(std::string text, std::string key = "", milliseconds time = milliseconds(20'000)) {
    return spawn(service_->send({"b:a", std::move(text), "a", std::move(key)}, context(time)));
  }
  PullFuture pull(milliseconds time = milliseconds(20'000)) {
    return spawn(service_->pull({.chat = "b:a", .cursor = 5, .limit = 3, .reverse = true}, context(time)));
  }
  /// A call that is no verb of the service, of this effect. It takes a send and answers a page.
  CallFuture call(service::Effect effect, const std::string& key = "", milliseconds time = milliseconds(20'000)) {
    row_ = service::call_row<::api::SendRequest, ::api::PullResponse>(
        "Other", "/api/other", effect, {},
        [](const service::Resources&, ::api::SendRequest&, service::CallContext) -> Task<::api::PullResponse> {
          co_return ::api::PullResponse();
        });
    auto request = std::make_unique<::api::SendRequest>();
    request->set_text("hi");
    request->set_idempotency_key(key);
    return spawn(service_->call(row_, service::ProtobufPtr(request.release()), context(time)));
  }

  Health health() {
    return net::run_on(loops_[0], [this] { return service_->health(); });
  }

  /// The error that a call ended with.
  template <class Response>
  static ErrorCode error_of(std::future<Result<Response>>& call) {
    const auto result = call.get();
    return result ? ErrorCode{} : result.error().code;
  }

 private:
  template <class T>
  std::future<Result<T>> spawn(Task<T> task) {
    return boost::asio::co_spawn(loops_[0].executor(), std::move(task), boost::asio::use_future);
  }
  static service::CallContext context(milliseconds time) {
    return {.deadline = std::chrono::steady_clock::now() + time, .request_id = "test"};
  }

  net::LoopPool loops_{1};
  MetricsRegistry metrics_;
  std::unique_ptr<RemoteService> service_;
  service::CallRow row_;
};

}  // namespace parley::rpc
