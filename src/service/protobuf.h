// Messages of protobuf: read from bytes, and those of send and pull as the service's own structs.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/error.h"
#include "service/message_service.h"

namespace google::protobuf {
class FieldDescriptor;
}

namespace api {
class PullRequest;
class PullResponse;
class SendRequest;
class SendResponse;
}  // namespace api

namespace parley::service {

/// Whether the field's values are messages.
[[nodiscard]] bool is_message(const google::protobuf::FieldDescriptor& field) noexcept;

/// How many elements the lists of a request may have together. No call takes so many.
inline constexpr std::size_t kMaxListItems = 4096;
/// kMalformedRequest if they have `count`, and that is too many.
[[nodiscard]] Result<void> check_list_items(std::size_t count);

// Each sets `message` from `bytes`. A number of proto3 that does not fit its field is cut to it, as the format's own
// rules say. kMalformedRequest for bytes that are not such a message, and for a string that is not UTF-8. Of a request,
// unknown fields are dropped, and check_list_items() holds.
[[nodiscard]] Result<void> read_protobuf(std::string_view bytes, Protobuf& message);
[[nodiscard]] Result<void> read_protobuf_request(std::string_view bytes, Protobuf& message);

/// A send without a chat but with a receiver is for the chat of sender and receiver. kSenderNotInChat for a receiver
/// without a sender. kInvalidChat if chat and receiver are both given and name different chats, and for a receiver that
/// is no member's name.
[[nodiscard]] Result<void> apply_receiver(SendRequest& request, std::string_view receiver);

// Each takes the strings of what it is given. A SendRequest's receiver is left out.
[[nodiscard]] SendRequest from_protobuf(::api::SendRequest&& message);
[[nodiscard]] PullRequest from_protobuf(::api::PullRequest&& message);

[[nodiscard]] ::api::SendResponse to_protobuf(const SendResponse& response);
[[nodiscard]] ::api::PullResponse to_protobuf(const PullResponse& response);

}  // namespace parley::service
