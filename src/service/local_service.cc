#include "service/local_service.h"

#include <utility>

namespace parley::service {

Task<SendResponse> LocalService::send(SendRequest request, CallContext context) {
  auto draft = validate(std::move(request), limits_);
  if (!draft) co_return std::unexpected(std::move(draft).error());
  std::string chat = draft->chat.name();
  const auto appended = co_await store_.append(*std::move(draft), context.deadline);
  if (!appended) co_return std::unexpected(appended.error());
  co_return SendResponse{std::move(chat), appended->send_time, appended->duplicate};
}

Task<PullResponse> LocalService::pull(PullRequest request, CallContext context) {
  auto query = validate(request, limits_);
  if (!query) co_return std::unexpected(std::move(query).error());
  std::string name = query->chat.name();
  auto page = co_await store_.read(std::move(query->chat), query->range, context.deadline);
  if (!page) co_return std::unexpected(std::move(page).error());
  co_return PullResponse{std::move(name), *std::move(page)};
}

Task<void> LocalService::ready(CallContext context) { return store_.ready(context.deadline); }

Task<void> LocalService::readable(CallContext context) { return store_.readable(context.deadline); }

}  // namespace parley::service
