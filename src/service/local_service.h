// The service over a store of this process: validate, store.
#pragma once

#include "service/calls.h"
#include "store/message_store.h"

namespace parley::service {

/// Stateless but for the store, which must outlive it.
class LocalService final : public MessageService {
 public:
  LocalService(store::MessageStore& store, ServiceLimits limits) : resources_{store, limits} {}

  Task<SendResponse> send(SendRequest request, CallContext context) override;
  Task<PullResponse> pull(PullRequest request, CallContext context) override;
  Health health() const override { return resources_.store.health(); }

 private:
  Task<ProtobufPtr> do_call(const CallRow& row, ProtobufPtr request, CallContext context) override;

  const Resources resources_;
};

}  // namespace parley::service
