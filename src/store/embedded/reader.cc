#include "store/embedded/reader.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <boost/unordered/unordered_flat_set.hpp>
#include <rocksdb/iterator.h>
#include <rocksdb/perf_context.h>
#include <rocksdb/snapshot.h>

#include "base/log.h"
#include "base/name_hash.h"
#include "chat/message_body.h"
#include "store/embedded/keys.h"
#include "store/record_codec.h"
#include "store/rules.h"

namespace parley::store {
namespace {

constexpr std::int64_t kEndOfTime = std::numeric_limits<std::int64_t>::max();

// What is read on the loop. More takes a millisecond or so, which is for other threads.
constexpr std::size_t kMaxRowsAtOnce = 128;   // of an index
constexpr std::size_t kMaxLooksAtOnce = 256;  // at values, each by itself
// What is passed by, since it is no part of the page or was deleted. A step back in a write buffer is a search.
constexpr std::uint64_t kMaxPassedForth = 2048;
constexpr std::uint64_t kMaxPassedBack = 256;
constexpr std::uint64_t kPlaceWeight = 8;  // of an index place that does not count and was looked up

constexpr std::size_t kMaxLeft = 4096;  // places that were left behind and are no part of a page from the disk

constexpr std::uint64_t kBetweenLooks = 1000;  // at the clock, of what other threads pass by

rocksdb::ReadOptions read_options(ReadFrom from) {
  rocksdb::ReadOptions options;
  options.read_tier = from == ReadFrom::kMemory ? rocksdb::kBlockCacheTier : rocksdb::kReadAllTier;
  return options;
}

std::uint64_t max_passed(bool back) { return back ? kMaxPassedBack : kMaxPassedForth; }

rocksdb::ReadOptions walk_options(ReadFrom from, bool back) {
  rocksdb::ReadOptions options = read_options(from);
  if (from == ReadFrom::kMemory) options.max_skippable_internal_keys = max_passed(back);  // of one step
  return options;
}

/// How far one walk goes. On a loop it may pass by so much as takes a millisecond or so. Other threads walk until the
/// deadline.
class WalkLimit {
 public:
  WalkLimit(ReadFrom from, bool back, Deadline deadline, const net::LoopPool& loops)
      : from_(from), max_(max_passed(back)), deadline_(deadline), loops_(loops) {}

  /// Something is no part of the page.
  void pass(std::uint64_t weight = 1) noexcept { passed_ += weight; }
  [[nodiscard]] bool reached() noexcept {
    std::uint64_t passed = passed_ + gone() - gone_before_;
    if (from_ == ReadFrom::kMemory) return passed > max_;
    passed += ++steps_;
    if (passed < next_look_) return false;
    next_look_ = passed + kBetweenLooks;
    return loops_.now() >= deadline_;
  }
  /// What the walk ends with then.
  template <class T>
  [[nodiscard]] RocksdbReader::Answer<T> answer() const {
    if (from_ == ReadFrom::kMemory) return std::nullopt;
    return Result<T>(too_late("while the disk was read"));
  }

 private:
  /// What this thread's iterators passed by because it was deleted.
  [[nodiscard]] static std::uint64_t gone() { return rocksdb::get_perf_context()->internal_delete_skipped_count; }

  const ReadFrom from_;
  const std::uint64_t max_;
  const Deadline deadline_;
  const net::LoopPool& loops_;
  const std::uint64_t gone_before_ = gone();
  std::uint64_t passed_ = 0;
  std::uint64_t steps_ = 0;
  std::uint64_t next_look_ = kBetweenLooks;
};

/// For walks within one chat.
rocksdb::ReadOptions chat_options(ReadFrom from, bool back) {
  rocksdb::ReadOptions options = walk_options(from, back);
  options.prefix_same_as_start = true;
  return options;
}

/// For walks over "rows", where a whole key is the prefix.
rocksdb::ReadOptions row_options(ReadFrom from, bool back) {
  rocksdb::ReadOptions options = walk_options(from, back);
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

  /// Collects the page, unless `limit` is reached. Whether all of it could be read, it_.status() says.
  [[nodiscard]] RocksdbReader::Answer<RecordPage> collect(WalkLimit limit) {
    RecordPage page;
    page.records.reserve(static_cast<std::size_t>(std::min(range_.page.limit, kUsualPage)));
    PageRoom room(range_.page);
    for (start(); it_.Valid(); advance()) {
      const std::int64_t time = time_of(to_view(it_.key()));
      if (time < kMinSendTime) break;  // the chat's row, before its first record
      const auto record = decode_record(chat_, to_view(it_.value()));
      if (!record) return unreadable(metrics_, "a record is corrupt in chat " + chat_.name());
      if (record->kind != RecordKind::kMessage && !range_.all_kinds) {
        limit.pass();
        if (limit.reached()) return limit.answer<RecordPage>();
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

template <class T>
std::optional<RocksdbReader::Answer<T>> RocksdbReader::failed(const rocksdb::Status& status, ReadFrom from) const {
  if (status.ok() || status.IsNotFound()) return std::nullopt;
  if (status.IsIncomplete() && from == ReadFrom::kMemory) return Answer<T>();
  return Answer<T>(unreadable(metrics_, database_.describe(status)));
}

RocksdbReader::Answer<RecordPage> RocksdbReader::page(const ChatId& chat, const RecordRange& range, ReadFrom from,
                                                      Deadline deadline) const {
  const bool back = range.page.reverse;
  rocksdb::ReadOptions options = chat_options(from, back);
  KeyBuffer end;
  rocksdb::Slice bound;
  if (range.end != 0) {
    end = record_key(chat.name(), back ? range.end + 1 : range.end);
    bound = to_slice(end);
    (back ? options.iterate_lower_bound : options.iterate_upper_bound) = &bound;
  }
  const std::unique_ptr<rocksdb::Iterator> it(database_.db().NewIterator(options, &database_.records()));
  auto page = ChatWalk(*it, chat, range, metrics_).collect(WalkLimit(from, back, deadline, loops_));
  // An iterator that cannot go on looks like one at its end, so only its status says whether the walk was complete.
  if (auto end_of_read = failed<RecordPage>(it->status(), from)) return *std::move(end_of_read);
  return page;
}

RocksdbReader::Answer<std::optional<IdempotencyRecord>> RocksdbReader::key(const std::string& key,
                                                                           ReadFrom from) const {
  using Found = std::optional<IdempotencyRecord>;
  rocksdb::PinnableSlice value;
  const rocksdb::Status status = database_.db().Get(read_options(from), &database_.idempotency(), key, &value);
  if (auto end = failed<Found>(status, from)) return *std::move(end);
  if (status.IsNotFound()) return Result<Found>(std::nullopt);
  const auto record = decode_idempotency(to_view(value));
  if (!record) return unreadable(metrics_, "an idempotency record is corrupt");
  return Result<Found>(record);
}

RocksdbReader::Answer<RowPage> RocksdbReader::rows(const TableId& table, const RowRange& range, ReadFrom from,
                                                   Deadline deadline) const {
  const std::string prefix = table_prefix(table);
  const std::string first = prefix + range.from;
  std::string end = prefix + range.to;
  if (range.to.empty()) ++end.back();  // what follows a name is 0x00
  const rocksdb::Slice bound(end);
  rocksdb::ReadOptions options = row_options(from, false);
  options.iterate_upper_bound = &bound;
  WalkLimit limit(from, false, deadline, loops_);
  const std::unique_ptr<rocksdb::Iterator> it(database_.db().NewIterator(options, &database_.rows()));
  RowPage page;
  PageRoom room(range.limit, range.max_bytes);
  for (it->Seek(first); it->Valid(); it->Next()) {
    if (limit.reached()) return limit.answer<RowPage>();
    const std::string_view name = to_view(it->key()).substr(prefix.size());
    page.has_more = !room.take(name.size() + it->value().size());
    if (page.has_more) break;
    page.rows.push_back({std::string(name), it->value().ToString()});
  }
  if (auto end_of_read = failed<RowPage>(it->status(), from)) return *std::move(end_of_read);
  return Result<RowPage>(std::move(page));
}

/// One walk over an index, with a look at the row of each place.
class RocksdbReader::IndexWalk {
 public:
  /// `back`: against the order of the keys. What it is given outlives it.
  IndexWalk(const RocksdbReader& reader, std::string_view user, const IndexRange& range, ReadFrom from,
            Deadline deadline, const rocksdb::Snapshot* at, bool back)
      : reader_(reader),
        user_(user),
        range_(range),
        from_(from),
        back_(back),
        newest_first_(back == (user == lane_follower())),
        limit_(from, back, deadline, reader.loops_),
        first_(index_order_prefix(user)),
        prefix_bytes_(first_.size()),
        options_(row_options(from, back)),
        looks_(read_options(from)) {
    options_.snapshot = looks_.snapshot = at;
  }

  [[nodiscard]] Answer<IndexPage> over_places() {
    end_ = index_order_key(user_, least(), "");  // behind all chats of that time
    if (range_.after) {
      KeyBuffer after = index_order_key(user_, after_time(), range_.after->chat);
      if (!range_.oldest_first) {
        first_ = std::move(after);
        first_.push_back('\0');  // what comes next
      } else if (to_view(after) < to_view(end_)) {
        end_ = std::move(after);
      }
    }
    for (start(); goes_on(); step()) {
      if (!take(index_row_of(to_view(it_->key()), prefix_bytes_))) break;
    }
    return page();
  }

  [[nodiscard]] Answer<IndexPage> over_lane() {
    first_ = lane_row_key(range_.after && range_.oldest_first ? std::max(least(), after_time()) : least());
    end_ = lane_row_key(range_.after && !range_.oldest_first ? after_time() + 1 : kEndOfTime);
    std::vector<std::string_view> chats;
    for (start(); goes_on(); step()) {
      std::string_view list = to_view(it_->value());
      chats.clear();
      while (!list.empty()) {
        const auto chat = take_listed(list);
        if (!chat) return unreadable(reader_.metrics_, "a row of the lane's index is corrupt");
        chats.push_back(*chat);
      }
      if (back_) std::ranges::reverse(chats);
      if (!take_all(chats, lane_row_time(to_view(it_->key())))) break;
    }
    return page();
  }

 private:
  [[nodiscard]] std::int64_t least() const noexcept { return std::max<std::int64_t>(range_.least, 0); }
  [[nodiscard]] std::int64_t after_time() const noexcept {
    return std::clamp<std::int64_t>(range_.after->time, 0, kEndOfTime - 1);
  }

  /// Over the keys from first_ on, and before end_.
  void start() {
    lower_ = to_slice(first_);
    upper_ = to_slice(end_);
    if (to_view(lower_) >= to_view(upper_)) return;
    options_.iterate_lower_bound = &lower_;
    options_.iterate_upper_bound = &upper_;
    const RocksdbDatabase& database = reader_.database_;
    it_.reset(database.db().NewIterator(options_, &database.rows()));
    back_ ? it_->SeekToLast() : it_->SeekToFirst();
  }
  [[nodiscard]] bool goes_on() const { return it_ && it_->Valid(); }
  void step() { back_ ? it_->Prev() : it_->Next(); }

  /// The chats that were raised to one time, but for those that `after` stands behind.
  bool take_all(const std::vector<std::string_view>& chats, std::int64_t time) {
    const bool is_cut = range_.after && time == range_.after->time;
    for (const std::string_view chat : chats) {
      if (is_cut && (back_ ? chat >= range_.after->chat : chat <= range_.after->chat)) continue;
      if (!take({std::string(chat), time})) return false;
    }
    return true;
  }

  /// Takes it into the page if it counts. False: that is the walk's end.
  bool take(IndexRow row) {
    if (limit_.reached()) {
      ended_ = limit_.answer<IndexPage>();
      return false;
    }
    if (met_.contains(row.chat)) {
      limit_.pass();
      return true;
    }
    value_.Reset();
    const rocksdb::Status status = reader_.get(index_row_key(user_, row.chat), looks_, value_);
    ended_ = reader_.failed<IndexPage>(status, from_);
    if (ended_) return false;
    const auto time = decode_time(to_view(value_));
    if (status.ok() && !time) {
      ended_ = Answer<IndexPage>(unreadable(reader_.metrics_, "an index row is corrupt"));
      return false;
    }
    if (newest_first_ && time >= row.time && met_.size() < kMaxIndexRows) met_.insert(row.chat);
    if (time != row.time) {  // a place that was left behind
      limit_.pass(kPlaceWeight);
      if (newest_first_ || from_ == ReadFrom::kMemory || ++left_ < kMaxLeft) return true;
      // So that whoever reads all of a long index gets on. The chat comes once more, with its row.
      page_.rows.push_back(std::move(row));
      page_.has_more = true;
      return false;
    }
    page_.has_more = page_.rows.size() == range_.limit;
    if (page_.has_more) return false;
    if (from_ == ReadFrom::kMemory && page_.rows.size() == kMaxRowsAtOnce) {
      ended_ = Answer<IndexPage>();
      return false;
    }
    page_.rows.push_back(std::move(row));
    return true;
  }

  [[nodiscard]] Answer<IndexPage> page() {
    if (!ended_ && it_) ended_ = reader_.failed<IndexPage>(it_->status(), from_);
    if (ended_) return *std::move(ended_);
    return Result<IndexPage>(std::move(page_));
  }

  const RocksdbReader& reader_;
  const std::string_view user_;
  const IndexRange& range_;
  const ReadFrom from_;
  const bool back_;
  const bool newest_first_;
  WalkLimit limit_;
  KeyBuffer first_;
  KeyBuffer end_{};
  const std::size_t prefix_bytes_;
  rocksdb::Slice lower_{};
  rocksdb::Slice upper_{};
  rocksdb::ReadOptions options_;
  rocksdb::ReadOptions looks_;
  std::unique_ptr<rocksdb::Iterator> it_{};
  rocksdb::PinnableSlice value_{};
  /// Chats whose older places cannot count.
  boost::unordered_flat_set<std::string, NameHash, std::equal_to<>> met_{};
  std::size_t left_ = 0;  // places that were left behind
  IndexPage page_{};
  std::optional<Answer<IndexPage>> ended_{};  // before the page was whole
};

RocksdbReader::Answer<IndexPage> RocksdbReader::index(std::string_view user, const IndexRange& range, ReadFrom from,
                                                      Deadline deadline) const {
  for (;;) {
    const std::uint64_t compactions = database_.left_places();
    // A row that is raised meanwhile is at its old place or at its new one, and never at neither.
    rocksdb::ManagedSnapshot snapshot(&database_.db());
    auto page = index_at(snapshot.snapshot(), user, range, from, deadline);
    // Unless a compaction dropped the old one, although the snapshot lacks the new one.
    if (!page || !*page || database_.left_places() == compactions) return page;
    if (from == ReadFrom::kMemory) return std::nullopt;
    if (loops_.now() >= deadline) return Result<IndexPage>(too_late("while the disk was read"));
  }
}

RocksdbReader::Answer<IndexPage> RocksdbReader::index_at(const rocksdb::Snapshot* at, std::string_view user,
                                                         const IndexRange& range, ReadFrom from,
                                                         Deadline deadline) const {
  const auto walk = [&](bool back) { return IndexWalk(*this, user, range, from, deadline, at, back); };
  if (user == lane_follower()) return walk(!range.oldest_first).over_lane();
  // A user's newest places come first, and each step back is dear. What is one page as a whole needs none.
  auto page = walk(false).over_places();
  if (!range.oldest_first || !page || !*page) return page;
  if ((*page)->has_more) return walk(true).over_places();
  std::ranges::reverse((*page)->rows);
  return page;
}

RocksdbReader::Answer<RocksdbReader::Values> RocksdbReader::values(const std::vector<KeyBuffer>& keys,
                                                                   ReadFrom from) const {
  if (from == ReadFrom::kMemory && keys.size() > kMaxLooksAtOnce) return std::nullopt;
  Values out;
  out.reserve(keys.size());
  rocksdb::PinnableSlice value;
  for (const KeyBuffer& key : keys) {
    value.Reset();
    const rocksdb::Status status = get(key, read_options(from), value);
    if (auto end = failed<Values>(status, from)) return *std::move(end);
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
  if (auto end = failed<std::int64_t>(status, from)) return *std::move(end);
  if (status.IsNotFound()) return Result<std::int64_t>(0);
  const auto time = decode_time(to_view(value));
  if (!time) return unreadable(metrics_, "the record of the last time is corrupt");
  return Result<std::int64_t>(*time);
}

}  // namespace parley::store
