// Calls of IMService, answered by the service.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "base/log_limits.h"
#include "base/task.h"
#include "rpc/server/server_metrics.h"
#include "rpc/wire/messages.h"
#include "service/message_service.h"

namespace parley::rpc {

struct Answer {
  std::string message;  ///< the Thrift message
  Method method = Method::kOther;
  Outcome outcome = kSuccess;
};

/// Stateless but for what it refers to, which must outlive it and its coroutines. Called on any loop.
class CallHandler {
 public:
  /// `store_id` and `durability` (fsync, os, memory) tell what Ready answers, empty if they are not known. Ready says
  /// so if only pulls can succeed, and is kUnavailable if nothing can, or while `draining`. The two are called on any
  /// loop.
  CallHandler(service::MessageService& service, std::function<std::string()> store_id,
              std::function<std::string()> durability, const std::atomic<bool>& draining)
      : service_(service), store_id_(std::move(store_id)), durability_(std::move(durability)), draining_(draining) {}

  /// What the service answers, or the exception that the call has come with. What a bug throws is logged with the
  /// request's id, and is kInternal; so is an answer that no frame can hold. Both stay where they are meanwhile; the
  /// call's request is taken.
  [[nodiscard]] Async<Answer> answer(Call& call, const service::CallContext& context) const;

  /// The answer that `request` failed with `error`.
  [[nodiscard]] static Answer failure(const MessageHead& head, const Request& request, Error error);

  /// The answer to what cannot be called.
  [[nodiscard]] static Answer exception(const MessageHead& head, const ApplicationException& exception);

 private:
  [[nodiscard]] Task<service::SendResponse> send(service::SendRequest& request,
                                                 const service::CallContext& context) const;
  [[nodiscard]] Task<service::PullResponse> pull(service::PullRequest& request,
                                                 const service::CallContext& context) const;
  [[nodiscard]] Result<ReadyResponse> ready() const;
  /// Logs why gateways hear that this node is not ready, or takes no sends: every probe of each of them asks.
  void tell(const Result<ReadyResponse>& ready) const;

  service::MessageService& service_;
  std::function<std::string()> store_id_;
  std::function<std::string()> durability_;
  const std::atomic<bool>& draining_;
  std::unique_ptr<StateLog> readiness_ = std::make_unique<StateLog>("ready");
};

}  // namespace parley::rpc
