// The seam that every front end calls: one verb for a call of any name, send and pull by their own, health. Served by a
// store of our own, or by remote nodes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/health.h"
#include "base/task.h"
#include "chat/message.h"

namespace google::protobuf {
class Message;
}

namespace parley::service {

struct CallRow;

/// Any message of idl/api.proto.
using Protobuf = google::protobuf::Message;
struct ProtobufDeleter {
  void operator()(Protobuf* message) const noexcept;
};
using ProtobufPtr = std::unique_ptr<Protobuf, ProtobufDeleter>;

/// What a client asks to send, as it came: nothing in here has been checked.
struct SendRequest {
  std::string chat;
  std::string text;
  std::string sender;
  std::string idempotency_key;  ///< empty: none
};

struct SendResponse {
  std::string chat;            ///< in its canonical spelling
  std::int64_t send_time = 0;  ///< microseconds since 1970
  bool duplicate = false;      ///< nothing was stored now: an earlier send with this key was
};

/// What a client asks to pull, as it came: nothing in here has been checked.
struct PullRequest {
  std::string chat;
  std::int64_t cursor = 0;
  std::int32_t limit = 0;
  bool reverse = false;
};

struct PullResponse {
  std::string chat;  ///< in its canonical spelling: the chat of every message
  Page page;
};

/// What travels with a call.
struct CallContext {
  Deadline deadline = kNoDeadline;  ///< past it, what has not been started is not
  std::string request_id;           ///< for the logs
  std::string traceparent{};  ///< of W3C Trace Context, for the logs and the node that serves the call; empty: none
};

/// Every call is made on a loop's thread, from any number of loops at once, and resumes there. The errors are rows of
/// the error table. What failed with kOutcomeUnknown or kBadUpstream may have been done. After any other error
/// it was not.
class MessageService {
 public:
  virtual ~MessageService() = default;

  /// The call that `row`, of a CallTable, declares: `request` is of its request's type, and the answer of its answer's.
  /// Send and pull end as they do by their own verbs, which are shorter. kNotSupported: the nodes have no such call.
  [[nodiscard]] Task<ProtobufPtr> call(const CallRow& row, ProtobufPtr request, CallContext context);

  [[nodiscard]] virtual Task<SendResponse> send(SendRequest request, CallContext context) = 0;
  [[nodiscard]] virtual Task<PullResponse> pull(PullRequest request, CallContext context) = 0;

  /// Whether pulls and sends can succeed, as far as this loop knows. It asks nobody.
  [[nodiscard]] virtual Health health() const = 0;

 private:
  /// A call that is no verb of the service.
  [[nodiscard]] virtual Task<ProtobufPtr> do_call(const CallRow& row, ProtobufPtr request, CallContext context) = 0;
};

}  // namespace parley::service
