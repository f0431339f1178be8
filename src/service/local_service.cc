#include "service/local_service.h"

#include <algorithm>
#include <utility>

namespace parley::service {
namespace {

/// The first thing that is wrong with `request`, in the order of its fields, or the draft to store.
Result<Draft> validate(SendRequest request, std::size_t max_text) {
  auto chat = ChatId::parse(request.chat);
  if (!chat) return std::unexpected(std::move(chat).error());
  if (!chat->has_member(request.sender)) {
    return fail(ErrorCode::kSenderNotInChat, "the sender is neither of the chat's members");
  }
  if (auto text = check_text(request.text, max_text); !text) return std::unexpected(std::move(text).error());
  if (auto key = check_idempotency_key(request.idempotency_key); !key) return std::unexpected(std::move(key).error());
  return Draft{*std::move(chat), std::move(request.sender), std::move(request.text),
               std::move(request.idempotency_key)};
}

Result<PageRange> validate(const PullRequest& request, std::size_t max_page_bytes) {
  if (request.cursor < 0) return fail(ErrorCode::kInvalidCursor, "the cursor is negative");
  if (request.limit < 0) return fail(ErrorCode::kInvalidLimit, "the limit is negative");
  const std::int32_t limit = request.limit == 0 ? kDefaultPullLimit : std::min(request.limit, kMaxPullLimit);
  return PageRange{request.cursor, limit, request.reverse, max_page_bytes};
}

}  // namespace

Task<SendResponse> LocalService::send(SendRequest request, CallContext context) {
  auto draft = validate(std::move(request), limits_.max_text);
  if (!draft) co_return std::unexpected(std::move(draft).error());
  std::string chat = draft->chat.name();
  const auto appended = co_await store_.append(*std::move(draft), context.deadline);
  if (!appended) co_return std::unexpected(appended.error());
  co_return SendResponse{std::move(chat), appended->send_time, appended->duplicate};
}

Task<PullResponse> LocalService::pull(PullRequest request, CallContext context) {
  auto chat = ChatId::parse(request.chat);
  if (!chat) co_return std::unexpected(std::move(chat).error());
  const auto range = validate(request, limits_.max_page_bytes);
  if (!range) co_return std::unexpected(range.error());
  std::string name = chat->name();
  auto page = co_await store_.read(*std::move(chat), *range, context.deadline);
  if (!page) co_return std::unexpected(std::move(page).error());
  co_return PullResponse{std::move(name), *std::move(page)};
}

Task<void> LocalService::ready(CallContext context) { return store_.ready(context.deadline); }

}  // namespace parley::service
