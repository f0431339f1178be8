#include "store/rocksdb_reader.h"

#include <utility>

#include "store/rocksdb_keys.h"

namespace parley::store {
namespace {

using rocksdb::ReadTier;
using rocksdb::Status;

Error read_error(const Status& status) { return {ErrorCode::kUnavailable, "a read failed: " + status.ToString()}; }

/// One walk over a chat's messages. Incomplete, from memory only: some of it is on the disk.
class Walk {
 public:
  Walk(RocksdbDatabase& database, std::string_view chat, ReadTier tier) : prefix_(message_prefix(chat)) {
    rocksdb::ReadOptions options;
    options.read_tier = tier;
    options.total_order_seek = false;
    options.prefix_same_as_start = true;
    iterator_.reset(database.db->NewIterator(options, database.messages.get()));
  }

  /// Puts the page that `range` asks for into `page`, NotFound where the chat never had a message.
  Status read(const PageRange& range, Page& page) {
    seek(range);
    collect(range, page);
    if (!iterator_->status().ok()) return iterator_->status();
    if (page.messages.empty() && !exists()) {
      return iterator_->status().ok() ? Status::NotFound() : iterator_->status();
    }
    page.next_cursor = next_cursor(page.messages, range);
    return Status::OK();
  }

 private:
  void seek(const PageRange& range) {
    if (range.reverse) {
      const std::int64_t from = range.cursor == 0 ? kMaxSendTime : range.cursor;
      iterator_->SeekForPrev(prefix_ + encode_time(from));
    } else {
      iterator_->Seek(prefix_ + encode_time(range.cursor));
    }
  }

  void collect(const PageRange& range, Page& page) {
    page.messages.reserve(static_cast<std::size_t>(std::min(range.limit, kDefaultPullLimit)));
    std::size_t bytes = 0;
    for (; in_chat(); range.reverse ? iterator_->Prev() : iterator_->Next()) {
      const auto record = decode_record(iterator_->value().ToStringView());
      if (!record) continue;  // of a kind to come
      bytes += record->text.size();
      const bool full = page.messages.size() == static_cast<std::size_t>(range.limit) || bytes > range.max_bytes;
      if (full && !page.messages.empty()) {
        page.has_more = true;
        return;
      }
      const auto time = decode_time(iterator_->key().ToStringView().substr(prefix_.size()));
      page.messages.push_back({std::string(record->sender), std::string(record->text), time.value_or(0)});
    }
  }

  bool exists() {
    iterator_->Seek(prefix_);
    return in_chat();
  }

  bool in_chat() const { return iterator_->Valid() && iterator_->key().starts_with(prefix_); }

  std::string prefix_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

Status read_page(RocksdbDatabase& database, std::string_view chat, const PageRange& range, ReadTier tier, Page& page) {
  page = {};
  return Walk(database, chat, tier).read(range, page);
}

Status get_key(RocksdbDatabase& database, const std::string& name, ReadTier tier, std::string& value) {
  rocksdb::ReadOptions options;
  options.read_tier = tier;
  return database.db->Get(options, database.keys.get(), name, &value);
}

}  // namespace

Task<Page> RocksdbReader::read(ChatId chat, PageRange range, Deadline deadline) {
  Page page;
  Status status = read_page(database_, chat.name(), range, ReadTier::kBlockCacheTier, page);
  if (status.IsIncomplete()) {
    const auto ran = co_await pool_.run(
        [&] { status = read_page(database_, chat.name(), range, ReadTier::kReadAllTier, page); }, deadline);
    if (!ran) co_return std::unexpected(ran.error());
  }
  if (status.IsNotFound()) co_return fail(ErrorCode::kChatNotFound, "the chat never had a message");
  if (!status.ok()) co_return std::unexpected(read_error(status));
  co_return page;
}

Task<std::optional<KeyRecord>> RocksdbReader::find_key(const std::string& name, Deadline deadline) {
  std::string value;
  Status status = get_key(database_, name, ReadTier::kBlockCacheTier, value);
  if (status.IsIncomplete()) {
    const auto ran =
        co_await pool_.run([&] { status = get_key(database_, name, ReadTier::kReadAllTier, value); }, deadline);
    if (!ran) co_return std::unexpected(ran.error());
  }
  if (status.IsNotFound()) co_return std::optional<KeyRecord>{};
  if (!status.ok()) co_return std::unexpected(read_error(status));
  co_return decode_key_record(value);
}

}  // namespace parley::store
