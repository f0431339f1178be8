// What a call answered, in the encoding that the client prefers.
#pragma once

#include <string_view>

#include "base/error.h"
#include "base/memory_budget.h"
#include "http/wire/message.h"
#include "service/message_service.h"

namespace parley::api {

// `type` is what preferred_type() said. In JSON all fields are there, integers are numbers and an empty list is [].
// Strings must be UTF-8, as the service's are.

[[nodiscard]] http::Response answer_send(const service::SendResponse& send, std::string_view type);

/// The response holds its body's bytes of `budget`. kOverloaded where so many are not left.
[[nodiscard]] Result<http::Response> answer_pull(const service::PullResponse& pull, std::string_view type,
                                                 MemoryBudget& budget);

}  // namespace parley::api
