// The service over a store of this process: validate, store.
#pragma once

#include <cstddef>

#include "service/message_service.h"
#include "store/message_store.h"

namespace parley::service {

struct ServiceLimits {
  std::size_t max_text = std::size_t{64} << 10;       ///< bytes of a message's text
  std::size_t max_page_bytes = std::size_t{1} << 20;  ///< bytes of text in a page
};

/// Stateless but for the store, which must outlive it.
class LocalService final : public MessageService {
 public:
  LocalService(store::MessageStore& store, ServiceLimits limits) : store_(store), limits_(limits) {}

  Task<SendResponse> send(SendRequest request, CallContext context) override;
  Task<PullResponse> pull(PullRequest request, CallContext context) override;
  Task<void> ready(CallContext context) override;

 private:
  store::MessageStore& store_;
  ServiceLimits limits_;
};

}  // namespace parley::service
