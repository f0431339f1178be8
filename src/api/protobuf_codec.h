// The messages of send and pull in protobuf's binary form.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/memory_budget.h"
#include "service/message_service.h"

namespace parley::api {

// Each sets every field of the call. Unknown fields are skipped. kMalformedRequest for bytes that are not such a
// message, and for a string that is not UTF-8. A number of proto3 that does not fit its field is cut to it, as the
// format's own rules say.

[[nodiscard]] Result<void> read_protobuf_send(std::string_view bytes, service::SendRequest& call,
                                              std::string& receiver);
[[nodiscard]] Result<void> read_protobuf_pull(std::string_view bytes, service::PullRequest& call);

[[nodiscard]] std::string write_protobuf(const service::SendResponse& response);

/// kOverloaded where `memory` cannot grow by the size of what would be written.
[[nodiscard]] Result<std::string> write_protobuf(const service::PullResponse& response, MemoryReservation& memory);

}  // namespace parley::api
