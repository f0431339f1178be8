#include "service/local_service.h"

#include <utility>

#include "store/message_store.h"

namespace parley::service {
namespace {

// Only these are coroutines, so that while the store works nothing is kept of the request but its chat.

Task<SendResponse> response_to_send(std::string chat, Task<store::Appended> appending) {
  auto appended = co_await std::move(appending);
  if (!appended) co_return std::unexpected(std::move(appended).error());
  co_return SendResponse{std::move(chat), appended->send_time, appended->duplicate};
}

Task<PullResponse> response_to_pull(std::string chat, Task<Page> reading) {
  auto page = co_await std::move(reading);
  if (!page) co_return std::unexpected(std::move(page).error());
  co_return PullResponse{std::move(chat), *std::move(page)};
}

}  // namespace

Task<SendResponse> LocalService::send(SendRequest request, CallContext context) {
  auto draft = validate(std::move(request), resources_.limits);
  if (!draft) return failed<SendResponse>(std::move(draft).error());
  std::string chat = draft->chat.name();
  return response_to_send(std::move(chat), resources_.store.append(*std::move(draft), context.deadline));
}

Task<PullResponse> LocalService::pull(PullRequest request, CallContext context) {
  auto query = validate(request, resources_.limits);
  if (!query) return failed<PullResponse>(std::move(query).error());
  std::string chat = query->chat.name();
  return response_to_pull(std::move(chat),
                          resources_.store.read(std::move(query->chat), query->range, context.deadline));
}

Task<ProtobufPtr> LocalService::do_call(const CallRow& row, ProtobufPtr request, CallContext context) {
  return row.handler(resources_, std::move(request), std::move(context));
}

}  // namespace parley::service
