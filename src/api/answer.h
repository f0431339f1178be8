// What a call answered, in the encoding that the client prefers.
#pragma once

#include <string_view>

#include "base/error.h"
#include "base/memory_budget.h"
#include "http/wire/message.h"
#include "service/calls.h"

namespace parley::api {

// `type` is what preferred_type() said. In JSON all fields are there, integers are numbers and an empty list is [].
// Strings must be UTF-8, as the service's are.

[[nodiscard]] http::Response answer_send(const service::SendResponse& send, std::string_view type);

/// The response holds its body's bytes of `budget`. kOverloaded where so many are not left.
[[nodiscard]] Result<http::Response> answer_pull(const service::PullResponse& pull, std::string_view type,
                                                 MemoryBudget& budget);

/// The answer of any call, in JSON by message_writer.h. The response holds its body's bytes of `budget`. kOverloaded if
/// so many are not left and `effect` is to read: what a change answered is never turned into anything else.
[[nodiscard]] Result<http::Response> answer_message(const service::Protobuf& answer, service::Effect effect,
                                                    std::string_view type, MemoryBudget& budget);

}  // namespace parley::api
