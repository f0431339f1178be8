#include "service/protobuf.h"

#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

#include <api.pb.h>
#include <fmt/format.h>
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/unknown_field_set.h>

namespace parley::service {
namespace {

using google::protobuf::FieldDescriptor;

constexpr auto kMaxSize = static_cast<std::size_t>(std::numeric_limits<int>::max());

/// The library writes to standard error what it finds wrong with a message; here the client is told instead, and may
/// not fill the log.
void silence_library() { [[maybe_unused]] static const auto previous = google::protobuf::SetLogHandler(nullptr); }

/// Why `bytes` are no message of a call: the format needs no UTF-8, the call's strings do. Of messages in messages the
/// format alone does not tell.
std::unexpected<Error> unreadable(std::string_view bytes, const google::protobuf::Descriptor& message) {
  for (int i = 0; i < message.field_count(); ++i) {
    if (!is_message(*message.field(i))) continue;
    return fail(ErrorCode::kMalformedRequest,
                "the body is not a protobuf message of this call, or a string in it is not UTF-8");
  }
  google::protobuf::UnknownFieldSet fields;
  const bool readable = bytes.size() <= kMaxSize && fields.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  return fail(ErrorCode::kMalformedRequest, readable ? "a string of the protobuf message is not UTF-8"
                                                     : "the body is not a protobuf message of this call");
}

/// The elements of the lists in `message`.
std::size_t list_items(const Protobuf& message) {
  const auto* const reflection = message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  std::size_t items = 0;
  for (const FieldDescriptor* const field : fields) {
    if (!field->is_repeated()) {
      if (is_message(*field)) items += list_items(reflection->GetMessage(message, field));
      continue;
    }
    const int size = reflection->FieldSize(message, field);
    items += static_cast<std::size_t>(size);
    if (!is_message(*field)) continue;
    for (int i = 0; i < size; ++i) items += list_items(reflection->GetRepeatedMessage(message, field, i));
  }
  return items;
}

}  // namespace

bool is_message(const FieldDescriptor& field) noexcept { return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE; }

Result<void> check_list_items(std::size_t count) {
  if (count <= kMaxListItems) return {};
  return fail(ErrorCode::kMalformedRequest, fmt::format("the lists have more than {} elements", kMaxListItems));
}

Result<void> read_protobuf(std::string_view bytes, Protobuf& message) {
  silence_library();
  if (bytes.size() > kMaxSize || !message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return unreadable(bytes, *message.GetDescriptor());
  }
  return {};
}

Result<void> read_protobuf_request(std::string_view bytes, Protobuf& message) {
  if (auto read = read_protobuf(bytes, message); !read) return read;
  message.DiscardUnknownFields();  // they take many times their bytes, and would travel on
  return check_list_items(list_items(message));
}

Result<void> apply_receiver(SendRequest& request, std::string_view receiver) {
  if (receiver.empty()) return {};
  if (receiver.contains(':')) return fail(ErrorCode::kInvalidChat, "receiver is one member, whose name has no ':'");
  if (request.sender.empty()) {
    return fail(ErrorCode::kSenderNotInChat, "receiver needs sender: the chat is that of the two");
  }
  std::string chat = fmt::format("{}:{}", request.sender, receiver);
  if (request.chat.empty()) {
    request.chat = std::move(chat);
  } else if (request.chat != chat && request.chat != fmt::format("{}:{}", receiver, request.sender)) {
    return fail(ErrorCode::kInvalidChat, "chat is not the chat of sender and receiver: give chat or receiver");
  }
  return {};
}

SendRequest from_protobuf(::api::SendRequest&& message) {
  return {.chat = std::move(*message.mutable_chat()),
          .text = std::move(*message.mutable_text()),
          .sender = std::move(*message.mutable_sender()),
          .idempotency_key = std::move(*message.mutable_idempotency_key())};
}

PullRequest from_protobuf(::api::PullRequest&& message) {
  return {.chat = std::move(*message.mutable_chat()),
          .cursor = message.cursor(),
          .limit = message.limit(),
          .reverse = message.reverse()};
}

::api::SendResponse to_protobuf(const SendResponse& response) {
  ::api::SendResponse message;
  message.set_chat(response.chat);
  message.set_send_time(response.send_time);
  message.set_duplicate(response.duplicate);
  return message;
}

::api::PullResponse to_protobuf(const PullResponse& response) {
  ::api::PullResponse page;
  page.mutable_messages()->Reserve(static_cast<int>(response.page.messages.size()));
  for (const Message& message : response.page.messages) {
    ::api::Message& out = *page.add_messages();
    out.set_chat(response.chat);
    out.mutable_text()->assign(message.text.view());
    out.set_sender(message.sender);
    out.set_send_time(message.send_time);
  }
  page.set_has_more(response.page.has_more);
  page.set_next_cursor(response.page.next_cursor);
  return page;
}

}  // namespace parley::service
