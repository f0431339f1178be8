#include "store/memory_store.h"

#include <algorithm>
#include <deque>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "store/rocksdb_keys.h"
#include "store/store_id.h"

namespace parley::store {
namespace {

class MemoryStore final : public MessageStore {
 public:
  explicit MemoryStore(const StoreOptions& options)
      : clock_(options.clock), window_(options.idempotency_window), id_(make_store_id()) {}

  Task<Appended> append(Draft draft, Deadline deadline) override {
    if (std::chrono::steady_clock::now() >= deadline) {
      co_return fail(ErrorCode::kOverloaded, "the deadline passed before the write was begun");
    }
    co_return store(std::move(draft));
  }
  Task<Page> read(ChatId chat, PageRange range, Deadline) override { co_return page_of(chat, range); }
  Task<void> ready(Deadline) override { co_return Result<void>{}; }
  const std::string& id() const noexcept override { return id_; }

 private:
  struct Known {
    std::int64_t send_time;
    std::string text;
  };

  Result<Appended> store(Draft draft) {
    const std::scoped_lock lock(mutex_);
    const std::int64_t now = clock_();
    forget_keys(now);
    if (!draft.idempotency_key.empty()) {
      if (const auto known = keys_.find(idempotency_name(draft)); known != keys_.end()) {
        if (known->second.text != draft.text) {
          return fail(ErrorCode::kIdempotencyConflict, "the key was used with another text");
        }
        return Appended{.send_time = known->second.send_time, .duplicate = true};
      }
    }
    std::int64_t time = std::max({now, last_time_ + 1, kMinSendTime});
    if (time > kMaxSendTime) time = last_time_ + 1;
    if (time > kMaxSendTime) return fail(ErrorCode::kUnavailable, "no time is left to give to a message");
    last_time_ = time;
    if (!draft.idempotency_key.empty()) {
      std::string name = idempotency_name(draft);
      expiry_.emplace_back(time, name);
      keys_.emplace(std::move(name), Known{time, draft.text});
    }
    chats_[draft.chat.name()].push_back({std::move(draft.sender), std::move(draft.text), time});
    return Appended{.send_time = time, .duplicate = false};
  }

  Result<Page> page_of(const ChatId& chat, const PageRange& range) {
    const std::scoped_lock lock(mutex_);
    const auto found = chats_.find(chat.name());
    if (found == chats_.end()) return fail(ErrorCode::kChatNotFound, "the chat never had a message");
    const std::vector<Message>& all = found->second;
    Page page;
    if (range.reverse) {
      const std::int64_t from = range.cursor == 0 ? kMaxSendTime : range.cursor;
      const auto end = std::ranges::upper_bound(all, from, {}, &Message::send_time);
      collect(std::make_reverse_iterator(end), all.rend(), range, page);
    } else {
      collect(std::ranges::lower_bound(all, range.cursor, {}, &Message::send_time), all.end(), range, page);
    }
    page.next_cursor = next_cursor(page.messages, range);
    return page;
  }

  template <class Iterator>
  static void collect(Iterator it, Iterator end, const PageRange& range, Page& page) {
    std::size_t bytes = 0;
    for (; it != end; ++it) {
      bytes += it->text.size();
      const bool full = page.messages.size() == static_cast<std::size_t>(range.limit) || bytes > range.max_bytes;
      if (full && !page.messages.empty()) {
        page.has_more = true;
        return;
      }
      page.messages.push_back(*it);
    }
  }

  void forget_keys(std::int64_t now) {
    for (; !expiry_.empty() && now - expiry_.front().first > window_.count(); expiry_.pop_front()) {
      keys_.erase(expiry_.front().second);
    }
  }

  const WallClock clock_;
  const std::chrono::microseconds window_;
  const std::string id_;
  std::mutex mutex_;
  std::int64_t last_time_ = 0;
  std::unordered_map<std::string, std::vector<Message>> chats_;
  std::unordered_map<std::string, Known> keys_;
  std::deque<std::pair<std::int64_t, std::string>> expiry_;
};

}  // namespace

std::unique_ptr<MessageStore> make_memory_store(const StoreOptions& options) {
  return std::make_unique<MemoryStore>(options);
}

}  // namespace parley::store
