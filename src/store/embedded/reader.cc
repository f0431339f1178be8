#include "store/embedded/reader.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <string_view>

#include <rocksdb/iterator.h>

#include "base/log.h"
#include "store/embedded/keys.h"

namespace parley::store {
namespace {

rocksdb::ReadOptions read_options(ReadFrom from) {
  rocksdb::ReadOptions options;
  options.read_tier = from == ReadFrom::kMemory ? rocksdb::kBlockCacheTier : rocksdb::kReadAllTier;
  options.prefix_same_as_start = true;
  return options;
}

/// The reason names files of the server's, which are for its log alone.
std::unexpected<Error> unreadable(StoreMetrics& metrics, std::string_view what) {
  metrics.read_errors.add();
  log_error("the store cannot be read", {{"error", std::string(what)}});
  return fail(ErrorCode::kUnavailable, "this part of the store cannot be read: the server's log says why");
}

constexpr std::int32_t kUsualPage = 16;  // messages

/// One walk over the messages of a chat.
class ChatWalk {
 public:
  ChatWalk(rocksdb::Iterator& it, const ChatId& chat, const PageRange& range, StoreMetrics& metrics)
      : it_(it), chat_(chat), range_(range), metrics_(metrics) {}

  /// Collects the page; whether all of it could be read, else it_.status() says why not.
  [[nodiscard]] Result<Page> collect() {
    Page page;
    page.messages.reserve(static_cast<std::size_t>(std::min(range_.limit, kUsualPage)));
    PageRoom room(range_);
    for (start(); it_.Valid(); advance()) {
      const auto record = decode_record(to_view(it_.value()));
      if (!record && record.error() == RecordFault::kUnknownKind) continue;
      if (!record) return unreadable(metrics_, "a record is corrupt in chat " + chat_.name());
      page.has_more = !room.take(record->text.size());
      if (page.has_more) break;
      page.messages.push_back(
          {std::string(record->sender), std::string(record->text), send_time_of(to_view(it_.key()))});
    }
    if (page.messages.empty() && it_.status().ok() && !chat_exists()) {
      return fail(ErrorCode::kChatNotFound, "the chat has no messages");
    }
    page.next_cursor = next_cursor(page.messages, range_);
    return page;
  }

 private:
  void start() {
    if (!range_.reverse) {
      it_.Seek(to_slice(message_key(chat_.name(), range_.cursor)));
    } else {
      const std::int64_t from = range_.cursor == 0 ? std::numeric_limits<std::int64_t>::max() : range_.cursor;
      it_.SeekForPrev(to_slice(message_key(chat_.name(), from)));
    }
  }
  void advance() { range_.reverse ? it_.Prev() : it_.Next(); }

  /// The page is empty: whether there is anything on the other side of the cursor.
  [[nodiscard]] bool chat_exists() {
    it_.Seek(to_slice(message_key(chat_.name(), 0)));
    return it_.Valid();
  }

  rocksdb::Iterator& it_;
  const ChatId& chat_;
  const PageRange& range_;
  StoreMetrics& metrics_;
};

}  // namespace

std::optional<Result<Page>> RocksdbReader::page(const ChatId& chat, const PageRange& range, ReadFrom from) const {
  const std::unique_ptr<rocksdb::Iterator> it(database_.db().NewIterator(read_options(from), &database_.messages()));
  auto page = ChatWalk(*it, chat, range, metrics_).collect();
  // An iterator that cannot go on looks like one at its end, so only its status says whether the walk was complete.
  const rocksdb::Status status = it->status();
  if (status.IsIncomplete() && from == ReadFrom::kMemory) return std::nullopt;
  if (!status.ok()) return unreadable(metrics_, database_.describe(status));
  return page;
}

std::optional<Result<std::optional<IdempotencyRecord>>> RocksdbReader::key(const std::string& key,
                                                                           ReadFrom from) const {
  rocksdb::PinnableSlice value;
  const rocksdb::Status status = database_.db().Get(read_options(from), &database_.idempotency(), key, &value);
  if (status.IsIncomplete() && from == ReadFrom::kMemory) return std::nullopt;
  if (status.IsNotFound()) return Result<std::optional<IdempotencyRecord>>(std::nullopt);
  if (!status.ok()) return unreadable(metrics_, database_.describe(status));
  const auto record = decode_idempotency(to_view(value));
  if (!record) return unreadable(metrics_, "an idempotency record is corrupt");
  return Result<std::optional<IdempotencyRecord>>(record);
}

}  // namespace parley::store
