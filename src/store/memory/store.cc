#include "store/memory/store.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <map>
#include <mutex>
#include <ranges>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/random_id.h"
#include "chat/message_body.h"
#include "net/loop.h"
#include "store/idempotency_record.h"
#include "store/rules.h"
#include "store/send_time.h"
#include "store/store_metrics.h"

namespace parley::store {
namespace {

/// Takes records from `records`, which are in the page's order, while the page has room.
template <class Records>
RecordPage fill_page(const Records& records, const RecordRange& range) {
  RecordPage page;
  PageRoom room(range.page);
  for (const Record& record : records) {
    if (!range.all_kinds && record.kind != RecordKind::kMessage) continue;
    page.has_more = !room.take(page_bytes(record.kind, record.body));
    if (page.has_more) break;
    page.records.push_back(record);
  }
  return page;
}

using Table = std::map<std::string, std::string>;

/// Whether all rows are as their conditions say.
bool table_allows(const Table& table, const std::vector<RowWrite>& rows) {
  return std::ranges::all_of(rows, [&table](const RowWrite& row) {
    const auto found = table.find(row.name);
    return row_allows(row, found == table.end() ? std::nullopt : std::optional<std::string_view>(found->second));
  });
}

/// One user's, by chat and in the order of a page.
class Index {
 public:
  /// Nothing happens if the row is there and not below.
  void raise(const std::string& chat, std::int64_t time) {
    std::int64_t& now = times_[chat];
    if (now >= time) return;
    order_.erase({now, chat});
    order_.insert({time, chat});
    now = time;
  }

  [[nodiscard]] IndexPage page(const IndexRange& range) const {
    auto first = order_.lower_bound({range.least, ""});
    auto end = order_.end();
    if (range.after) {
      const Position after{range.after->time, range.after->chat};
      if (!range.oldest_first) end = order_.lower_bound(after);
      if (range.oldest_first && range.after->time >= range.least) first = order_.upper_bound(after);
      if (!range.oldest_first && range.after->time < range.least) end = first;
    }
    const auto rows = std::ranges::subrange(first, end);
    return range.oldest_first ? fill(rows, range.limit) : fill(rows | std::views::reverse, range.limit);
  }

 private:
  using Position = std::pair<std::int64_t, std::string>;

  template <class Rows>
  [[nodiscard]] static IndexPage fill(const Rows& rows, std::size_t limit) {
    IndexPage page;
    for (const auto& [time, chat] : rows) {
      page.has_more = page.rows.size() == limit;
      if (page.has_more) break;
      page.rows.push_back({chat, time});
    }
    return page;
  }

  std::unordered_map<std::string, std::int64_t> times_;
  std::set<Position> order_;
};

class MemoryStore final : public MessageStore {
 public:
  MemoryStore(StoreOptions options, net::LoopPool& loops, std::shared_ptr<StoreMetrics> metrics)
      : options_(std::move(options)), metrics_(std::move(metrics)), bell_(loops) {}

  Task<Appended> append(Change change, Deadline deadline) override {
    if (passed(deadline)) co_return not_begun();
    if (auto fits = check_size(change.records, change.rows); !fits) co_return std::unexpected(std::move(fits).error());
    std::vector<std::string> told = std::move(change.audience);
    for (const std::string_view member : {change.chat.first(), change.chat.second()}) told.emplace_back(member);
    told.push_back(follower_of(0));
    const ChatId chat = change.chat;
    auto appended = append_now(std::move(change), told);
    if (appended && !appended->duplicate && !appended->refused && bell_.anybody_listens()) {
      bell_.ring(std::vector<std::string_view>{chat.name()}, std::vector<std::string_view>(told.begin(), told.end()));
    }
    co_return appended;
  }

  Task<RecordPage> read(ChatId chat, RecordRange range, Deadline deadline) override {
    if (passed(deadline)) co_return not_begun();
    co_return read_now(chat, range);
  }

  Task<RowPage> rows(TableId table, RowRange range, Deadline deadline) override {
    if (passed(deadline)) co_return not_begun();
    co_return rows_now(table, range);
  }

  Task<Written> write(TableId table, std::vector<RowWrite> rows, Deadline deadline) override {
    if (passed(deadline)) co_return not_begun();
    if (auto fits = check_size({}, rows); !fits) co_return std::unexpected(std::move(fits).error());
    const std::scoped_lock lock(mutex_);
    if (!table_allows(table_of(table), rows)) co_return Written{.refused = true};
    write_rows(table, std::move(rows));
    co_return Written{};
  }

  Task<IndexPage> index(std::string user, IndexRange range, Deadline deadline) override {
    if (passed(deadline)) co_return not_begun();
    const std::scoped_lock lock(mutex_);
    const auto found = indexes_.find(user);
    co_return found == indexes_.end() ? IndexPage{} : found->second.page(range);
  }

  std::size_t lanes() const noexcept override { return 1; }
  std::size_t lane_of(std::string_view) const noexcept override { return 0; }
  std::size_t reads_at_once() const noexcept override { return 1; }

  Task<std::vector<std::int64_t>> clocks(Clocks, Deadline deadline) override {
    if (passed(deadline)) co_return not_begun();
    const std::scoped_lock lock(mutex_);
    co_return std::vector{last_time_};
  }

  Bell& bell() noexcept override { return bell_; }
  Health health() const override { return {}; }
  std::string id() const override { return id_; }

 private:
  using Records = std::vector<Record>;  // in the order of their times

  [[nodiscard]] static bool passed(Deadline deadline) { return net::Loop::current().passed(deadline); }

  Result<Appended> append_now(Change change, const std::vector<std::string>& told) {
    const std::scoped_lock lock(mutex_);
    const std::int64_t now = options_.clock();
    forget_expired(now);
    const RecordDraft& first = change.records.front();
    const bool keyed = !change.idempotency_key.empty();
    const std::string key = keyed ? idempotency_key_of(change.chat, first.sender, change.idempotency_key) : "";
    const RecordHash hash = keyed ? hash_record(first, change.idempotency_key) : RecordHash{};
    if (const auto known = keyed ? keys_.find(key) : keys_.end(); known != keys_.end()) {
      if (known->second.hash != hash) return key_conflict();
      metrics_->duplicates.add();
      return Appended{.send_time = known->second.send_time, .duplicate = true};
    }
    const TableId table{TableId::Of::kChat, change.chat.name()};
    if (!table_allows(table_of(table), change.rows)) return Appended{.refused = true};
    const auto time = next_send_time(now, last_time_, change.records.size());
    if (!time) return times_used_up();
    Records& log = chats_[change.chat.name()];
    last_time_ = *time - 1;
    for (RecordDraft& record : change.records) {
      if (record.kind == RecordKind::kMessage) metrics_->messages.add();
      log.push_back({record.kind, ++last_time_, std::move(record.sender), record.about, std::move(record.body)});
    }
    write_rows(table, std::move(change.rows));
    for (const std::string& user : told) indexes_[user].raise(change.chat.name(), last_time_);
    if (keyed) expiring_.push_back(keys_.emplace(key, IdempotencyRecord{*time, hash}).first);
    return Appended{.send_time = *time};
  }

  void forget_expired(std::int64_t now) {
    while (!expiring_.empty() &&
           idempotency_expired(expiring_.front()->second.send_time, options_.idempotency_window, now)) {
      keys_.erase(expiring_.front());
      expiring_.pop_front();
    }
  }

  Result<RecordPage> read_now(const ChatId& chat, const RecordRange& range) {
    const std::scoped_lock lock(mutex_);
    const auto found = chats_.find(chat.name());
    if (found == chats_.end()) return range.end == 0 ? Result<RecordPage>(chat_not_found()) : RecordPage{};
    const Records& all = found->second;
    const auto from = [&all](std::int64_t time) { return std::ranges::lower_bound(all, time, {}, &Record::time); };
    const auto behind = [&all](std::int64_t time) { return std::ranges::upper_bound(all, time, {}, &Record::time); };
    const std::int64_t cursor = range.page.cursor;
    if (!range.page.reverse) {
      const auto end = range.end == 0 ? all.end() : from(range.end);
      return fill_page(std::ranges::subrange(std::min(from(cursor), end), end), range);
    }
    const auto end = cursor == 0 ? all.end() : behind(cursor);
    const auto first = std::min(behind(range.end), end);
    return fill_page(std::ranges::subrange(first, end) | std::views::reverse, range);
  }

  RowPage rows_now(const TableId& id, const RowRange& range) {
    const std::scoped_lock lock(mutex_);
    const Table& table = table_of(id);
    RowPage page;
    PageRoom room(range.limit, range.max_bytes);
    for (auto row = table.lower_bound(range.from); row != table.end(); ++row) {
      if (!range.to.empty() && row->first >= range.to) break;
      page.has_more = !room.take(row->first.size() + row->second.size());
      if (page.has_more) break;
      page.rows.push_back({row->first, row->second});
    }
    return page;
  }

  /// Guarded by mutex_, as what it answers.
  [[nodiscard]] const Table& table_of(const TableId& id) const {
    static const Table empty;
    const auto found = tables_.find({id.of, id.name});
    return found == tables_.end() ? empty : found->second;
  }

  /// Guarded by mutex_. A table without rows takes no room.
  void write_rows(const TableId& id, std::vector<RowWrite> rows) {
    if (rows.empty()) return;
    const auto table = tables_.try_emplace({id.of, id.name}).first;
    for (RowWrite& row : rows) {
      if (row.value) {
        table->second.insert_or_assign(std::move(row.name), *std::move(row.value));
      } else {
        table->second.erase(row.name);
      }
    }
    if (table->second.empty()) tables_.erase(table);
  }

  using Keys = std::map<std::string, IdempotencyRecord>;

  const StoreOptions options_;
  const std::shared_ptr<StoreMetrics> metrics_;
  const std::string id_ = random_id();
  Bell bell_;
  std::mutex mutex_;
  // Guarded by mutex_:
  std::int64_t last_time_ = 0;
  std::unordered_map<std::string, Records> chats_;
  std::map<std::pair<TableId::Of, std::string>, Table> tables_;
  std::unordered_map<std::string, Index> indexes_;
  Keys keys_;
  std::deque<Keys::iterator> expiring_;  // in the order of their times, which is that of their expiry
};

}  // namespace

std::unique_ptr<MessageStore> make_memory_store(StoreOptions options, net::LoopPool& loops, MetricsRegistry& metrics) {
  return std::make_unique<MemoryStore>(std::move(options), loops, register_store_metrics(metrics));
}

}  // namespace parley::store
