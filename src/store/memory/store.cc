#include "store/memory/store.h"

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>
#include <ranges>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/random_id.h"
#include "net/loop.h"
#include "store/idempotency_record.h"
#include "store/send_time.h"
#include "store/store_metrics.h"

namespace parley::store {
namespace {

/// Takes messages from `messages`, which are in the page's order, while the page has room.
template <class Messages>
Page fill_page(const Messages& messages, const PageRange& range) {
  Page page;
  PageRoom room(range);
  for (const Message& message : messages) {
    page.has_more = !room.take(message.text.size());
    if (page.has_more) break;
    page.messages.push_back(message);
  }
  page.next_cursor = next_cursor(page.messages, range);
  return page;
}

class MemoryStore final : public MessageStore {
 public:
  MemoryStore(StoreOptions options, std::shared_ptr<StoreMetrics> metrics)
      : options_(std::move(options)), metrics_(std::move(metrics)) {}

  Task<Appended> append(Draft draft, Deadline deadline) override {
    if (net::Loop::current().passed(deadline)) co_return too_late("before the call began");
    co_return append_now(std::move(draft));
  }

  Task<Page> read(ChatId chat, PageRange range, Deadline deadline) override {
    if (net::Loop::current().passed(deadline)) co_return too_late("before the call began");
    co_return read_now(chat, range);
  }

  Health health() const override { return {}; }
  std::string id() const override { return id_; }

 private:
  using Messages = std::vector<Message>;  // in the order of their times

  Result<Appended> append_now(Draft draft) {
    const std::scoped_lock lock(mutex_);
    const std::int64_t now = options_.clock();
    forget_expired(now);
    const bool keyed = !draft.idempotency_key.empty();
    const std::string key = keyed ? idempotency_key_of(draft) : std::string();
    const TextHash hash = keyed ? hash_text(draft.text) : TextHash{};
    if (const auto first = keyed ? keys_.find(key) : keys_.end(); first != keys_.end()) {
      if (first->second.text_hash != hash) {
        return fail(ErrorCode::kIdempotencyConflict, "the idempotency key was used with another text");
      }
      metrics_->duplicates.add();
      return Appended{.send_time = first->second.send_time, .duplicate = true};
    }
    const auto time = next_send_time(now, last_time_);
    if (!time) return fail(ErrorCode::kUnavailable, "the times that messages can have are used up");
    last_time_ = *time;
    chats_[draft.chat.name()].push_back({std::move(draft.sender), std::move(draft.text), *time});
    if (keyed) expiring_.push_back(keys_.emplace(key, IdempotencyRecord{*time, hash}).first);
    metrics_->messages.add();
    return Appended{.send_time = *time};
  }

  void forget_expired(std::int64_t now) {
    while (!expiring_.empty() &&
           idempotency_expired(expiring_.front()->second.send_time, options_.idempotency_window, now)) {
      keys_.erase(expiring_.front());
      expiring_.pop_front();
    }
  }

  Result<Page> read_now(const ChatId& chat, const PageRange& range) {
    const std::scoped_lock lock(mutex_);
    const auto found = chats_.find(chat.name());
    if (found == chats_.end()) return fail(ErrorCode::kChatNotFound, "the chat has no messages");
    const Messages& all = found->second;
    if (!range.reverse) {
      const auto first = std::ranges::lower_bound(all, range.cursor, {}, &Message::send_time);
      return fill_page(std::ranges::subrange(first, all.end()), range);
    }
    const auto end =
        range.cursor == 0 ? all.end() : std::ranges::upper_bound(all, range.cursor, {}, &Message::send_time);
    return fill_page(std::ranges::subrange(all.begin(), end) | std::views::reverse, range);
  }

  using Keys = std::map<std::string, IdempotencyRecord>;

  const StoreOptions options_;
  const std::shared_ptr<StoreMetrics> metrics_;
  const std::string id_ = random_id();
  std::mutex mutex_;
  // Guarded by mutex_:
  std::int64_t last_time_ = 0;
  std::unordered_map<std::string, Messages> chats_;
  Keys keys_;
  std::deque<Keys::iterator> expiring_;  // in the order of their times, which is that of their expiry
};

}  // namespace

std::unique_ptr<MessageStore> make_memory_store(StoreOptions options, MetricsRegistry& metrics) {
  return std::make_unique<MemoryStore>(std::move(options), register_store_metrics(metrics));
}

}  // namespace parley::store
