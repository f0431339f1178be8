// What tests of stores share: a folder, loops, a clock that is set by hand, and calls that are waited for.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include "base/metrics.h"
#include "chat/message_body.h"
#include "net/loop.h"
#include "store/message_change.h"
#include "store/message_store.h"
#include "store/store_options.h"

namespace parley::store {

/// A folder of its own, removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "parley-store-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline ChatId chat_of(std::string_view name) { return ChatId::parse(name).value(); }

/// The text of a message that must be one.
inline std::string text_of(const Record& record) {
  const auto message = to_message(record);
  EXPECT_TRUE(message);
  return message ? message->text.str() : "";
}

inline Deadline in(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }

/// Calls from the test's thread, which waits; `loop` says where they run.
class StoreFixture : public testing::Test {
 protected:
  static constexpr std::int64_t kStart = 1'700'000'000'000'000;

  template <class T>
  std::future<Result<T>> start(Task<T> task, std::size_t loop = 0) {
    return boost::asio::co_spawn(loops_[loop].executor(), std::move(task), boost::asio::use_future);
  }
  Health health() {
    return net::run_on(loops_[0], [this] { return store_->health(); });
  }
  template <class T>
  Result<T> run(Task<T> task, std::size_t loop = 0) {
    return start(std::move(task), loop).get();
  }

  std::future<Result<Appended>> start_append(Draft draft, Deadline deadline = kNoDeadline, std::size_t loop = 0) {
    return start(store_->append(change_of(std::move(draft)), deadline), loop);
  }
  Result<Appended> append(Change change, std::size_t loop = 0) {
    return run(store_->append(std::move(change), kNoDeadline), loop);
  }
  Result<Appended> append(std::string_view chat, std::string sender, std::string text, std::string key = {}) {
    return start_append({chat_of(chat), std::move(sender), std::move(text), std::move(key)}).get();
  }
  /// The time of a message that must be stored.
  std::int64_t stored(std::string_view chat, std::string sender, std::string text, std::string key = {}) {
    const auto appended = append(chat, std::move(sender), std::move(text), std::move(key));
    EXPECT_TRUE(appended) << appended.error().detail;
    EXPECT_FALSE(appended && appended->duplicate);
    return appended ? appended->send_time : 0;
  }

  /// Of messages alone.
  Result<RecordPage> read(std::string_view chat, PageRange range = {}, std::size_t loop = 0) {
    return run(store_->read(chat_of(chat), {range}, kNoDeadline), loop);
  }
  /// Every record of a chat that must be there, whatever its kind.
  std::vector<Record> records(std::string_view chat) {
    auto page = run(store_->read(chat_of(chat), {{.limit = kMaxPullLimit}, true}, kNoDeadline));
    EXPECT_TRUE(page) << page.error().detail;
    return page ? page->records.list() : std::vector<Record>{};
  }
  /// The texts of a page that must be there.
  std::vector<std::string> texts(std::string_view chat, PageRange range = {.limit = kMaxPullLimit}) {
    const auto page = read(chat, range);
    EXPECT_TRUE(page) << page.error().detail;
    std::vector<std::string> out;
    if (!page) return out;
    for (const Record& record : page->records) out.push_back(text_of(record));
    return out;
  }

  Result<RowPage> rows(TableId table, RowRange range = {}, std::size_t loop = 0) {
    return run(store_->rows(std::move(table), std::move(range), kNoDeadline), loop);
  }
  /// All rows of a table of at most a thousand.
  std::vector<Row> all_rows(TableId table) {
    auto page = rows(std::move(table), {.limit = 1000, .max_bytes = std::size_t{64} << 20});
    EXPECT_TRUE(page) << page.error().detail;
    return page ? std::move(page->rows) : std::vector<Row>{};
  }
  Result<Written> write(TableId table, std::vector<RowWrite> rows, std::size_t loop = 0) {
    return run(store_->write(std::move(table), std::move(rows), kNoDeadline), loop);
  }
  Result<IndexPage> index(std::string user, IndexRange range = {}, std::size_t loop = 0) {
    return run(store_->index(std::move(user), std::move(range), kNoDeadline), loop);
  }
  /// All rows of an index, page by page.
  std::vector<IndexRow> whole_index(const std::string& user, IndexRange range = {}) {
    std::vector<IndexRow> out;
    for (;;) {
      auto page = index(user, range);
      EXPECT_TRUE(page) << page.error().detail;
      if (!page) return out;
      std::ranges::move(page->rows, std::back_inserter(out));
      if (!page->has_more) return out;
      range.after = out.back();
    }
  }

  /// What stores are opened with: the clock stands at `now_` until the test moves it.
  StoreOptions options() {
    StoreOptions out;
    out.memory = std::size_t{8} << 20;
    out.clock = [this] { return now_.load(); };
    return out;
  }

  std::atomic<std::int64_t> now_{kStart};
  TemporaryFolder folder_;
  MetricsRegistry metrics_;
  net::LoopPool loops_{3};
  std::unique_ptr<MessageStore> store_;  // goes before the loops
};

/// The code of a failure, or kInternal for what did not fail.
template <class T>
ErrorCode code_of(const Result<T>& result) {
  return result ? ErrorCode::kInternal : result.error().code;
}

}  // namespace parley::store
