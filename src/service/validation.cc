#include "service/validation.h"

#include <algorithm>
#include <utility>

namespace parley::service {

Result<ChatId> check(const SendRequest& request, const ServiceLimits& limits) {
  auto chat = ChatId::parse(request.chat);
  if (!chat) return std::unexpected(std::move(chat).error());
  if (!chat->has_member(request.sender)) {
    return fail(ErrorCode::kSenderNotInChat,
                request.sender.empty() ? "the sender is missing" : "the sender is neither of the chat's members");
  }
  if (auto text = check_text(request.text, limits.max_text); !text) return std::unexpected(std::move(text).error());
  if (auto key = check_idempotency_key(request.idempotency_key); !key) return std::unexpected(std::move(key).error());
  return chat;
}

Result<Draft> validate(SendRequest request, const ServiceLimits& limits) {
  auto chat = check(request, limits);
  if (!chat) return std::unexpected(std::move(chat).error());
  return Draft{*std::move(chat), std::move(request.sender), std::move(request.text),
               std::move(request.idempotency_key)};
}

Result<PullQuery> validate(const PullRequest& request, const ServiceLimits& limits) {
  auto chat = ChatId::parse(request.chat);
  if (!chat) return std::unexpected(std::move(chat).error());
  if (request.cursor < 0) return fail(ErrorCode::kInvalidCursor, "the cursor is negative");
  if (request.limit < 0) return fail(ErrorCode::kInvalidLimit, "the limit is negative");
  const std::int32_t limit = request.limit == 0 ? kDefaultPullLimit : std::min(request.limit, kMaxPullLimit);
  return PullQuery{*std::move(chat), {request.cursor, limit, request.reverse, limits.max_page_bytes}};
}

}  // namespace parley::service
