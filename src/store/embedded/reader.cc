#include "store/embedded/reader.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <string_view>
#include <utility>

#include <rocksdb/iterator.h>
#include <rocksdb/snapshot.h>

#include "base/log.h"
#include "chat/message_body.h"
#include "store/embedded/keys.h"
#include "store/record_codec.h"
#include "store/rules.h"

namespace parley::store {
namespace {

constexpr std::int64_t kEndOfTime = std::numeric_limits<std::int64_t>::max();

// What is read on the loop. More takes a millisecond or so, which is for other threads.
constexpr std::size_t kMaxRowsAtOnce = 512;     // of an index
constexpr std::size_t kMaxPassedAtOnce = 2048;  // records or index places that are not part of the page
constexpr std::uint64_t kMaxGoneAtOnce = 2048;  // what was deleted and is still there, in a row

rocksdb::ReadOptions read_options(ReadFrom from) {
  rocksdb::ReadOptions options;
  options.read_tier = from == ReadFrom::kMemory ? rocksdb::kBlockCacheTier : rocksdb::kReadAllTier;
  if (from == ReadFrom::kMemory) options.max_skippable_internal_keys = kMaxGoneAtOnce;
  return options;
}

std::size_t max_passed(ReadFrom from) {
  return from == ReadFrom::kMemory ? kMaxPassedAtOnce : std::numeric_limits<std::size_t>::max();
}

/// For walks within one chat.
rocksdb::ReadOptions chat_options(ReadFrom from) {
  rocksdb::ReadOptions options = read_options(from);
  options.prefix_same_as_start = true;
  return options;
}

/// For walks over "rows", where a whole key is the prefix.
rocksdb::ReadOptions walk_options(ReadFrom from) {
  rocksdb::ReadOptions options = read_options(from);
  options.total_order_seek = true;
  return options;
}

/// The reason names files of the server's, which are for its log alone.
std::unexpected<Error> unreadable(StoreMetrics& metrics, std::string_view what) {
  metrics.read_errors.add();
  log_error("the store cannot be read", {{"error", std::string(what)}});
  return fail(ErrorCode::kUnavailable, "this part of the store cannot be read: the server's log says why");
}

constexpr std::int32_t kUsualPage = 16;  // records

/// One walk over the records of a chat.
class ChatWalk {
 public:
  ChatWalk(rocksdb::Iterator& it, const ChatId& chat, const RecordRange& range, StoreMetrics& metrics)
      : it_(it), chat_(chat), range_(range), metrics_(metrics) {}

  /// Collects the page. Nothing if more than `max_passed` records are no part of it. Whether all of it could be read,
  /// it_.status() says.
  [[nodiscard]] RocksdbReader::Answer<RecordPage> collect(std::size_t max_passed) {
    RecordPage page;
    std::size_t passed = 0;
    page.records.reserve(static_cast<std::size_t>(std::min(range_.page.limit, kUsualPage)));
    PageRoom room(range_.page);
    for (start(); it_.Valid(); advance()) {
      const std::int64_t time = time_of(to_view(it_.key()));
      if (time < kMinSendTime) break;  // the chat's row, before its first record
      const auto record = decode_record(chat_, to_view(it_.value()));
      if (!record) return unreadable(metrics_, "a record is corrupt in chat " + chat_.name());
      if (record->kind != RecordKind::kMessage && !range_.all_kinds) {
        if (++passed > max_passed) return std::nullopt;
        continue;
      }
      page.has_more = !room.take(page_bytes(record->kind, record->body));
      if (page.has_more) break;
      record->write_to(page.records.emplace_back(), time);
    }
    if (page.records.empty() && range_.end == 0 && it_.status().ok() && !chat_exists()) return chat_not_found();
    return Result<RecordPage>(std::move(page));
  }

 private:
  void start() {
    const std::int64_t cursor = range_.page.cursor;
    if (!range_.page.reverse) {
      it_.Seek(to_slice(record_key(chat_.name(), std::max(cursor, kMinSendTime))));
    } else {
      it_.SeekForPrev(to_slice(record_key(chat_.name(), cursor == 0 ? kEndOfTime : cursor)));
    }
  }
  void advance() { range_.page.reverse ? it_.Prev() : it_.Next(); }

  /// The page is empty: whether there is anything on the other side of the cursor.
  [[nodiscard]] bool chat_exists() {
    it_.Seek(to_slice(record_key(chat_.name(), kMinSendTime)));
    return it_.Valid();
  }

  rocksdb::Iterator& it_;
  const ChatId& chat_;
  const RecordRange& range_;
  StoreMetrics& metrics_;
};

}  // namespace

RocksdbReader::Answer<RecordPage> RocksdbReader::page(const ChatId& chat, const RecordRange& range,
                                                      ReadFrom from) const {
  rocksdb::ReadOptions options = chat_options(from);
  KeyBuffer end;
  rocksdb::Slice bound;
  if (range.end != 0) {
    end = record_key(chat.name(), range.page.reverse ? range.end + 1 : range.end);
    bound = to_slice(end);
    (range.page.reverse ? options.iterate_lower_bound : options.iterate_upper_bound) = &bound;
  }
  const std::unique_ptr<rocksdb::Iterator> it(database_.db().NewIterator(options, &database_.records()));
  auto page = ChatWalk(*it, chat, range, metrics_).collect(max_passed(from));
  // An iterator that cannot go on looks like one at its end, so only its status says whether the walk was complete.
  const rocksdb::Status status = it->status();
  if (status.IsIncomplete() && from == ReadFrom::kMemory) return std::nullopt;
  if (!status.ok()) return unreadable(metrics_, database_.describe(status));
  return page;
}

RocksdbReader::Answer<std::optional<IdempotencyRecord>> RocksdbReader::key(const std::string& key,
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

RocksdbReader::Answer<RowPage> RocksdbReader::rows(const TableId& table, const RowRange& range, ReadFrom from) const {
  const std::string prefix = table_prefix(table);
  const std::string first = prefix + range.from;
  std::string end = prefix + range.to;
  if (range.to.empty()) ++end.back();  // what follows a name is 0x00
  const rocksdb::Slice bound(end);
  rocksdb::ReadOptions options = walk_options(from);
  options.iterate_upper_bound = &bound;
  const std::unique_ptr<rocksdb::Iterator> it(database_.db().NewIterator(options, &database_.rows()));
  RowPage page;
  PageRoom room(range.limit, range.max_bytes);
  for (it->Seek(first); it->Valid(); it->Next()) {
    const std::string_view name = to_view(it->key()).substr(prefix.size());
    page.has_more = !room.take(name.size() + it->value().size());
    if (page.has_more) break;
    page.rows.push_back({std::string(name), it->value().ToString()});
  }
  if (it->status().IsIncomplete() && from == ReadFrom::kMemory) return std::nullopt;
  if (!it->status().ok()) return unreadable(metrics_, database_.describe(it->status()));
  return Result<RowPage>(std::move(page));
}

RocksdbReader::Answer<IndexPage> RocksdbReader::index(std::string_view user, const IndexRange& range,
                                                      ReadFrom from) const {
  // A row that is raised meanwhile is at its old place or at its new one, and never at neither.
  rocksdb::ManagedSnapshot snapshot(&database_.db());
  const std::size_t prefix_bytes = index_order_prefix(user).size();
  const KeyBuffer least = index_order_key(user, std::max<std::int64_t>(range.least, 0), "");
  const KeyBuffer end = index_order_key(user, kEndOfTime, "");
  const rocksdb::Slice lower = to_slice(least);
  const rocksdb::Slice upper = to_slice(end);
  rocksdb::ReadOptions options = walk_options(from);
  options.snapshot = snapshot.snapshot();
  options.iterate_lower_bound = &lower;
  options.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> it(database_.db().NewIterator(options, &database_.rows()));
  rocksdb::ReadOptions row_options = read_options(from);
  row_options.snapshot = snapshot.snapshot();

  const auto go_on = [&] { range.oldest_first ? it->Next() : it->Prev(); };
  if (range.after) {
    const KeyBuffer after = index_order_key(user, std::max<std::int64_t>(range.after->time, 0), range.after->chat);
    range.oldest_first ? it->Seek(to_slice(after)) : it->SeekForPrev(to_slice(after));
    if (it->Valid() && it->key() == to_slice(after)) go_on();
  } else {
    range.oldest_first ? it->SeekToFirst() : it->SeekToLast();
  }

  IndexPage page;
  std::size_t passed = 0;
  rocksdb::PinnableSlice value;
  for (; it->Valid(); go_on()) {
    IndexRow row = index_row_of(to_view(it->key()), prefix_bytes);
    value.Reset();
    const rocksdb::Status status = get(index_row_key(user, row.chat), row_options, value);
    if (status.IsIncomplete() && from == ReadFrom::kMemory) return std::nullopt;
    if (!status.ok() && !status.IsNotFound()) return unreadable(metrics_, database_.describe(status));
    // Of two that raised a row at once, one has left its place in the order behind.
    if (status.IsNotFound() || decode_time(to_view(value)) != row.time) {
      if (++passed > max_passed(from)) return std::nullopt;
      continue;
    }
    page.has_more = page.rows.size() == range.limit;
    if (page.has_more) break;
    if (from == ReadFrom::kMemory && page.rows.size() == kMaxRowsAtOnce) return std::nullopt;
    page.rows.push_back(std::move(row));
  }
  if (it->status().IsIncomplete() && from == ReadFrom::kMemory) return std::nullopt;
  if (!it->status().ok()) return unreadable(metrics_, database_.describe(it->status()));
  return Result<IndexPage>(std::move(page));
}

RocksdbReader::Answer<RocksdbReader::Values> RocksdbReader::values(const std::vector<KeyBuffer>& keys,
                                                                   ReadFrom from) const {
  Values out;
  out.reserve(keys.size());
  rocksdb::PinnableSlice value;
  for (const KeyBuffer& key : keys) {
    value.Reset();
    const rocksdb::Status status = get(key, read_options(from), value);
    if (status.IsIncomplete() && from == ReadFrom::kMemory) return std::nullopt;
    if (!status.ok() && !status.IsNotFound()) return unreadable(metrics_, database_.describe(status));
    out.push_back(status.IsNotFound() ? std::nullopt : std::optional(value.ToString()));
  }
  return Result<Values>(std::move(out));
}

rocksdb::Status RocksdbReader::get(const KeyBuffer& key, const rocksdb::ReadOptions& options,
                                   rocksdb::PinnableSlice& value) const {
  rocksdb::ColumnFamilyHandle& family = in_rows(to_view(key)) ? database_.rows() : database_.records();
  return database_.db().Get(options, &family, to_slice(key), &value);
}

RocksdbReader::Answer<std::int64_t> RocksdbReader::clock(ReadFrom from) const {
  rocksdb::PinnableSlice value;
  const rocksdb::Status status =
      database_.db().Get(read_options(from), &database_.records(), to_slice(kLastTimeKey), &value);
  if (status.IsIncomplete() && from == ReadFrom::kMemory) return std::nullopt;
  if (status.IsNotFound()) return Result<std::int64_t>(0);
  if (!status.ok()) return unreadable(metrics_, database_.describe(status));
  const auto time = decode_time(to_view(value));
  if (!time) return unreadable(metrics_, "the record of the last time is corrupt");
  return Result<std::int64_t>(*time);
}

}  // namespace parley::store
