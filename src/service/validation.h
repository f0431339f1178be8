// What a request must be before it goes on, to a store of ours or to a remote node.
#pragma once

#include <cstddef>

#include "base/error.h"
#include "chat/chat_id.h"
#include "chat/message.h"
#include "service/message_service.h"

namespace parley::service {

struct ServiceLimits {
  std::size_t max_text = std::size_t{64} << 10;       ///< bytes of a message's text
  std::size_t max_page_bytes = std::size_t{1} << 20;  ///< bytes of text in a page
};

/// A pull that is valid.
struct PullQuery {
  ChatId chat;
  PageRange range;
};

/// The chat of a send that is valid, or the first thing that is wrong with it, as below.
[[nodiscard]] Result<ChatId> check(const SendRequest& request, const ServiceLimits& limits);

// The request in the terms of the store, or the first error in the order of its fields. Each such error is a row of the
// error table, and is the client's fault.
[[nodiscard]] Result<Draft> validate(SendRequest request, const ServiceLimits& limits);
[[nodiscard]] Result<PullQuery> validate(const PullRequest& request, const ServiceLimits& limits);

}  // namespace parley::service
