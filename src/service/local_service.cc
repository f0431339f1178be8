#include "service/local_service.h"

#include <utility>

#include "base/log.h"
#include "chat/message_body.h"
#include "store/message_change.h"
#include "store/message_store.h"

namespace parley::service {
namespace {

// Only these are coroutines, so that while the store works nothing is kept of the request but its chat.

Task<SendResponse> response_to_send(std::string chat, Task<store::Appended> appending) {
  auto appended = co_await std::move(appending);
  if (!appended) co_return std::unexpected(std::move(appended).error());
  co_return SendResponse{std::move(chat), appended->send_time, appended->duplicate};
}

Task<PullResponse> response_to_pull(std::string chat, PageRange range, Task<store::RecordPage> reading) {
  auto read = co_await std::move(reading);
  if (!read) co_return std::unexpected(std::move(read).error());
  Page page{.messages = {}, .has_more = read->has_more};
  page.messages.reserve(read->records.size());
  for (const Record& record : read->records) {
    if (append_message(record, {}, read->records.owner(), page.messages)) continue;
    log_error("a message in the store is corrupt", {{"chat", chat}});
    co_return fail(ErrorCode::kUnavailable, "a message of the chat is corrupt: the server's log says more");
  }
  page.next_cursor = next_cursor(page.messages, range);
  co_return PullResponse{std::move(chat), std::move(page)};
}

}  // namespace

Task<SendResponse> LocalService::send(SendRequest request, CallContext context) {
  auto draft = validate(std::move(request), resources_.limits);
  if (!draft) return failed<SendResponse>(std::move(draft).error());
  std::string chat = draft->chat.name();
  return response_to_send(std::move(chat),
                          resources_.store.append(store::change_of(*std::move(draft)), context.deadline));
}

Task<PullResponse> LocalService::pull(PullRequest request, CallContext context) {
  auto query = validate(request, resources_.limits);
  if (!query) return failed<PullResponse>(std::move(query).error());
  std::string chat = query->chat.name();
  return response_to_pull(std::move(chat), query->range,
                          resources_.store.read(std::move(query->chat), {query->range}, context.deadline));
}

Task<ProtobufPtr> LocalService::do_call(const CallRow& row, ProtobufPtr request, CallContext context) {
  return row.handler(resources_, std::move(request), std::move(context));
}

}  // namespace parley::service
