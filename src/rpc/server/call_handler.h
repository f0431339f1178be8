// Calls of IMService, answered by the service.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/log_limits.h"
#include "base/task.h"
#include "rpc/server/server_metrics.h"
#include "rpc/wire/messages.h"
#include "service/calls.h"

namespace parley::rpc {

struct Answer {
  std::string message;     ///< the Thrift message
  std::size_t method = 0;  ///< its number in CallHandler::methods()
  Outcome outcome = kSuccess;
  bool reads = false;  ///< nothing was changed, so that another answer is no lie
  bool probe = false;  ///< asked again and again: why it fails is told by the handler, and not for each request
};

/// Stateless but for what it refers to, which must outlive it and its coroutines. Called on any loop.
class CallHandler {
 public:
  /// `calls` are those that the method Call makes, and the metrics tell apart. `store_id` and `durability` (fsync, os,
  /// memory) tell what Ready answers, empty if they are not known. Ready says so if only pulls can succeed, and is
  /// kUnavailable if nothing can, or while `draining`. The two are called on any loop.
  CallHandler(service::MessageService& service, const service::CallTable& calls, std::function<std::string()> store_id,
              std::function<std::string()> durability, const std::atomic<bool>& draining);

  /// The names that the log and the metrics have for the methods: those of the calls, whichever method makes them,
  /// "Ready", and "other" for what is none of these.
  [[nodiscard]] const std::vector<std::string>& methods() const noexcept { return methods_; }

  /// What the service answers, or the exception that the call has come with. What a bug throws is logged with the
  /// request's id, and is kInternal; so is an answer that no frame can hold. Both stay where they are meanwhile; the
  /// call's request is taken.
  [[nodiscard]] Async<Answer> answer(Call& call, const service::CallContext& context) const;

  /// The answer that `request` failed with `error`.
  [[nodiscard]] Answer failure(const MessageHead& head, const Request& request, Error error) const;

  /// The answer to what cannot be called.
  [[nodiscard]] Answer exception(const MessageHead& head, const ApplicationException& exception) const;

 private:
  [[nodiscard]] Task<service::SendResponse> send(service::SendRequest& request,
                                                 const service::CallContext& context) const;
  [[nodiscard]] Task<service::PullResponse> pull(service::PullRequest& request,
                                                 const service::CallContext& context) const;
  [[nodiscard]] Task<CallResponse> call(CallRequest& request, const service::CallContext& context) const;
  [[nodiscard]] Result<ReadyResponse> ready() const;
  /// Logs why gateways hear that this node is not ready, or takes no sends: every probe of each of them asks.
  void tell(const Result<ReadyResponse>& ready) const;

  /// An answer without its message.
  [[nodiscard]] Answer answer_to(const Request& request) const;
  [[nodiscard]] Answer answer_to(const service::CallRow* row) const;
  template <class Response>
  [[nodiscard]] Answer finish(const MessageHead& head, const Request& request, Result<Response> response) const;

  service::MessageService& service_;
  const service::CallTable& calls_;
  const service::CallRow* const send_;  // null: the table has none
  const service::CallRow* const pull_;
  std::vector<std::string> methods_;
  std::function<std::string()> store_id_;
  std::function<std::string()> durability_;
  const std::atomic<bool>& draining_;
  std::unique_ptr<StateLog> readiness_ = std::make_unique<StateLog>("ready");
};

}  // namespace parley::rpc
