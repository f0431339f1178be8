#include "api/protobuf_codec.h"

#include <cstddef>
#include <limits>
#include <utility>

#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/unknown_field_set.h>
#include <im.pb.h>

namespace parley::api {
namespace {

constexpr auto kMaxSize = static_cast<std::size_t>(std::numeric_limits<int>::max());

/// The library writes to standard error what it finds wrong with a message; here the client is told instead, and may
/// not fill the log.
void silence_library() { [[maybe_unused]] static const auto previous = google::protobuf::SetLogHandler(nullptr); }

/// Why `bytes` are no message of a call: the format needs no UTF-8, the call's strings do.
std::unexpected<Error> unreadable(std::string_view bytes) {
  google::protobuf::UnknownFieldSet fields;
  const bool readable = bytes.size() <= kMaxSize && fields.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  return fail(ErrorCode::kMalformedRequest, readable ? "a string of the protobuf message is not UTF-8"
                                                     : "the body is not a protobuf message of this call");
}

template <class Message>
bool parse(std::string_view bytes, Message& message) {
  silence_library();
  return bytes.size() <= kMaxSize && message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

}  // namespace

Result<void> read_protobuf_send(std::string_view bytes, service::SendRequest& call, std::string& receiver) {
  ::api::SendRequest message;
  if (!parse(bytes, message)) return unreadable(bytes);
  call = {.chat = std::move(*message.mutable_chat()),
          .text = std::move(*message.mutable_text()),
          .sender = std::move(*message.mutable_sender()),
          .idempotency_key = std::move(*message.mutable_idempotency_key())};
  receiver = std::move(*message.mutable_receiver());
  return {};
}

Result<void> read_protobuf_pull(std::string_view bytes, service::PullRequest& call) {
  ::api::PullRequest message;
  if (!parse(bytes, message)) return unreadable(bytes);
  call = {.chat = std::move(*message.mutable_chat()),
          .cursor = message.cursor(),
          .limit = message.limit(),
          .reverse = message.reverse()};
  return {};
}

std::string write_protobuf(const service::SendResponse& response) {
  ::api::SendResponse message;
  message.set_chat(response.chat);
  message.set_send_time(response.send_time);
  message.set_duplicate(response.duplicate);
  return message.SerializeAsString();
}

Result<std::string> write_protobuf(const service::PullResponse& response, MemoryReservation& memory) {
  ::api::PullResponse page;
  page.mutable_messages()->Reserve(static_cast<int>(response.page.messages.size()));
  for (const Message& message : response.page.messages) {
    ::api::Message& out = *page.add_messages();
    out.set_chat(response.chat);
    out.set_text(message.text);
    out.set_sender(message.sender);
    out.set_send_time(message.send_time);
  }
  page.set_has_more(response.page.has_more);
  page.set_next_cursor(response.page.next_cursor);
  if (!memory.grow(page.ByteSizeLong())) return fail(ErrorCode::kOverloaded, "no memory is left for the page");
  return page.SerializeAsString();
}

}  // namespace parley::api
