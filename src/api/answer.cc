#include "api/answer.h"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include <google/protobuf/message.h>

#include "api/media_type.h"
#include "api/message_writer.h"
#include "api/protobuf_codec.h"
#include "base/json_string.h"

namespace parley::api {
namespace {

constexpr std::size_t kMaxIntegerSize = 20;  // "-9223372036854775808"

char* put(char* out, std::string_view text) noexcept {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}
// Named apart: a literal would rather be a bool than a view.
char* put_integer(char* out, std::int64_t value) noexcept {
  return std::to_chars(out, out + kMaxIntegerSize, value).ptr;
}
char* put_bool(char* out, bool value) noexcept { return put(out, value ? std::string_view("true") : "false"); }

std::string send_json(const service::SendResponse& send) {
  std::string json = R"({"chat":)";
  append_json_string(json, send.chat);
  json += R"(,"send_time":)";
  json += std::to_string(send.send_time);
  json += send.duplicate ? R"(,"duplicate":true})" : R"(,"duplicate":false})";
  return json;
}

// The pieces of a page. `kChat` and the chat itself are the same for every message.
constexpr std::string_view kOpen = R"({"messages":[)";
constexpr std::string_view kChat = R"({"chat":)";
constexpr std::string_view kText = R"(,"text":)";
constexpr std::string_view kSender = R"(,"sender":)";
constexpr std::string_view kSendTime = R"(,"send_time":)";
constexpr std::string_view kHasMore = R"(],"has_more":)";
constexpr std::string_view kNextCursor = R"(,"next_cursor":)";

/// As `{"chat":"a:b","text":`.
std::string message_head(std::string_view chat) {
  std::string head(kChat);
  append_json_string(head, chat);
  head += kText;
  return head;
}

/// At least as many bytes as the page takes, and no more than the unused digits of its integers too many.
std::size_t max_page_size(const Page& page, std::size_t head_size) noexcept {
  std::size_t size = kOpen.size() + kHasMore.size() + 5 + kNextCursor.size() + kMaxIntegerSize + 1;
  for (const Message& message : page.messages) {
    size += head_size + json_string_size(message.text) + kSender.size() + json_string_size(message.sender) +
            kSendTime.size() + kMaxIntegerSize + 2;
  }
  return size;
}

char* put_page(char* out, const Page& page, std::string_view head) noexcept {
  out = put(out, kOpen);
  for (const Message& message : page.messages) {
    out = put(out, head);
    out = put_json_string(out, message.text);
    out = put(out, kSender);
    out = put_json_string(out, message.sender);
    out = put(out, kSendTime);
    out = put_integer(out, message.send_time);
    out = put(out, "},");
  }
  if (!page.messages.empty()) --out;  // the last comma
  out = put(out, kHasMore);
  out = put_bool(out, page.has_more);
  out = put(out, kNextCursor);
  out = put_integer(out, page.next_cursor);
  return put(out, "}");
}

Result<std::string> page_json(const service::PullResponse& pull, MemoryReservation& memory) {
  const std::string head = message_head(pull.chat);
  const std::size_t size = max_page_size(pull.page, head.size());
  if (!memory.grow(size)) return fail(ErrorCode::kOverloaded, "no memory is left for the page");
  std::string json;
  json.resize_and_overwrite(
      size, [&](char* out, std::size_t) { return static_cast<std::size_t>(put_page(out, pull.page, head) - out); });
  return json;
}

}  // namespace

http::Response answer_send(const service::SendResponse& send, std::string_view type) {
  http::Response response;
  response.content_type = type;
  response.body = type == kJsonType ? send_json(send) : write_protobuf(send);
  return response;
}

Result<http::Response> answer_pull(const service::PullResponse& pull, std::string_view type, MemoryBudget& budget) {
  MemoryReservation memory(budget);
  auto body = type == kJsonType ? page_json(pull, memory) : write_protobuf(pull, memory);
  if (!body) return std::unexpected(std::move(body.error()));
  http::Response response;
  response.content_type = type;
  response.body = std::move(*body);
  response.memory.emplace(std::move(memory));
  return response;
}

Result<http::Response> answer_message(const service::Protobuf& answer, service::Effect effect, std::string_view type,
                                      MemoryBudget& budget) {
  http::Response response;
  response.content_type = type;
  if (type == kJsonType) {
    append_json(response.body, answer);
  } else {
    response.body = answer.SerializeAsString();
  }
  MemoryReservation memory(budget);
  if (memory.grow(response.body.size())) {
    response.memory.emplace(std::move(memory));
  } else if (effect == service::Effect::kReads) {
    return fail(ErrorCode::kOverloaded, "no memory is left for the answer");
  }
  return response;
}

}  // namespace parley::api
