// What tests of stores share: a folder, loops, a clock that is set by hand, and calls that are waited for.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include "base/metrics.h"
#include "net/loop.h"
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
    return start(store_->append(std::move(draft), deadline), loop);
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

  Result<Page> read(std::string_view chat, PageRange range = {}, std::size_t loop = 0) {
    return run(store_->read(chat_of(chat), range, kNoDeadline), loop);
  }
  /// The texts of a page that must be there.
  std::vector<std::string> texts(std::string_view chat, PageRange range = {.limit = kMaxPullLimit}) {
    const auto page = read(chat, range);
    EXPECT_TRUE(page) << page.error().detail;
    std::vector<std::string> out;
    if (!page) return out;
    for (const Message& message : page->messages) out.push_back(message.text);
    return out;
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
