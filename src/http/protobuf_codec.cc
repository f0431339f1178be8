#include "http/protobuf_codec.h"

#include <limits>
#include <utility>

#include <google/protobuf/stubs/logging.h>
#include <im.pb.h>

namespace parley::http {
namespace {

/// The library writes to standard error what it finds wrong with a message; here the client is told instead, and may
/// not fill the log.
void silence_library() { [[maybe_unused]] static const auto previous = google::protobuf::SetLogHandler(nullptr); }

template <class Message>
Result<Message> parse(std::string_view bytes) {
  silence_library();
  Message message;
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()) ||
      !message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return fail(ErrorCode::kMalformedRequest, "the body is not a protobuf message of this call, with UTF-8 strings");
  }
  return message;
}

}  // namespace

Result<service::SendRequest> read_protobuf_send(std::string_view bytes) {
  auto message = parse<api::SendRequest>(bytes);
  if (!message) return std::unexpected(std::move(message.error()));
  return service::SendRequest{.chat = std::move(*message->mutable_chat()),
                              .text = std::move(*message->mutable_text()),
                              .sender = std::move(*message->mutable_sender()),
                              .idempotency_key = std::move(*message->mutable_idempotency_key())};
}

Result<service::PullRequest> read_protobuf_pull(std::string_view bytes) {
  auto message = parse<api::PullRequest>(bytes);
  if (!message) return std::unexpected(std::move(message.error()));
  return service::PullRequest{.chat = std::move(*message->mutable_chat()),
                              .cursor = message->cursor(),
                              .limit = message->limit(),
                              .reverse = message->reverse()};
}

std::string write_protobuf(const service::SendResponse& response) {
  api::SendResponse message;
  message.set_chat(response.chat);
  message.set_send_time(response.send_time);
  message.set_duplicate(response.duplicate);
  return message.SerializeAsString();
}

Result<std::string> write_protobuf(const service::PullResponse& response, MemoryReservation& memory) {
  api::PullResponse page;
  page.mutable_messages()->Reserve(static_cast<int>(response.page.messages.size()));
  for (const Message& message : response.page.messages) {
    api::Message& out = *page.add_messages();
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

}  // namespace parley::http
