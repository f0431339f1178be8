// The service over a store of this process: validate, store.
#pragma once

#include "service/message_service.h"
#include "service/validation.h"
#include "store/message_store.h"

namespace parley::service {

/// Stateless but for the store, which must outlive it.
class LocalService final : public MessageService {
 public:
  LocalService(store::MessageStore& store, ServiceLimits limits) : store_(store), limits_(limits) {}

  Task<SendResponse> send(SendRequest request, CallContext context) override;
  Task<PullResponse> pull(PullRequest request, CallContext context) override;
  Health health() const override { return store_.health(); }

 private:
  store::MessageStore& store_;
  ServiceLimits limits_;
};

}  // namespace parley::service
